"""What is shown of a user's own table before anything is trained, and the study file that is drafted for it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from commands import call
from hpstudy import Table, data
from hpstudy.data.overview import Overview, overview
from hpstudy.settings import Settings
from hpstudy.study.studyfile import load


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPSTUDY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HPSTUDY_HOME", str(tmp_path / "home"))
    return tmp_path


def customers(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "CustomerId": rng.permutation(200) + 15_000_000,
            "Score": np.where(np.arange(200) % 20 == 0, np.nan, rng.normal(size=200)),
            "City": rng.choice(["Berlin", "Paris"], 200),
            "Exited": np.where(np.arange(200) % 3 == 0, "no", "yes"),
            **columns,
        }
    )


def seen(frame: pd.DataFrame, folder: Path, **config: Any) -> Overview:
    frame.to_csv(folder / "c.csv", index=False)
    settings = replace(Settings.load({"home": str(folder / "home")}), cache_dir=folder / "cache")
    table = data.resolved(Table("c.csv", target="Exited", folder=folder), settings)
    return overview(table, config, 42, settings)


def test_every_column_is_shown_with_its_use_and_what_is_left_out_with_the_reason(tmp_path: Path) -> None:
    found = seen(customers(), tmp_path)
    assert {one.name: one.use for one in found.columns} == {
        "CustomerId": "left out",
        "Score": "number",
        "City": "category",
    }
    assert found.columns[0].detail == "an identifier: every number differs"
    assert found.columns[1].missing == pytest.approx(0.05, abs=0.02)
    assert found.parts == {"training": 128, "validation": 32, "test": 40}
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("columns", "config", "warning"),
    [
        (
            {"Reason": np.where(np.arange(200) % 3 == 0, "", "moved away")},
            {},
            "column 'Reason' alone predicts the target",
        ),
        ({"Exited": np.where(np.arange(200) % 18 == 0, "no", "yes")}, {}, "'yes' has 188 rows, 'no' 12"),
        ({"Exited": np.where(np.arange(200) < 8, "no", "yes")}, {}, "class 'no' has only 8 rows"),
        (
            {"Score": np.arange(200) // 2, "City": "x", "Exited": np.where(np.arange(200) // 2 % 2, "a", "b")},
            {},
            "test rows are also among the training rows",
        ),
        ({}, {"batch_size": 256}, "batch_size=256 is more than the 128 training rows"),
    ],
)
def test_what_may_be_wrong_is_said_before_training(
    tmp_path: Path, columns: dict[str, Any], config: dict[str, Any], warning: str
) -> None:
    assert any(warning in sentence for sentence in seen(customers(**columns), tmp_path, **config).warnings)


def test_a_drafted_study_of_a_table_is_right_and_shows_its_data(folder: Path) -> None:
    frame = customers()
    frame.loc[7, "Exited"] = None
    frame.to_parquet(folder / "churn.parquet")
    assert "hpstudy run churn.py" in call("init", "churn", "--data", "churn.parquet", "--target", "Exited")
    study = load(folder / "churn.py").study
    assert study.dataset == Table("churn.parquet", target="Exited", drop_missing_target=True)
    text = call("data", "show", "churn.py")
    assert all(word in text for word in ("CustomerId", "an identifier", "Berlin", "training", "yes"))
    assert json.loads(call("data", "show", "churn.py", "--json"))["parts"]["test"] == 40


def test_a_draft_needs_a_file_and_one_of_its_columns(folder: Path) -> None:
    customers().to_csv(folder / "c.csv", index=False)
    assert "go together" in call("init", "churn", "--data", "c.csv", code=2)
    assert "Did you mean 'Exited'" in call("init", "churn", "--data", "c.csv", "--target", "exited", code=2)
    assert "nothing.csv is not on this machine" in call("init", "n", "--data", "nothing.csv", "--target", "t", code=2)
    assert not (folder / "churn.py").exists()


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (np.arange(200) * 3 % 97, "regression"),
        (np.arange(200) % 7 / 2, "regression"),
        (np.round(np.sqrt(np.arange(200)) / 2), "regression"),
        (np.arange(200) % 7, "classification"),
        (np.arange(200) % 2 / 2, "classification"),
    ],
    ids=["many whole numbers", "decimals", "counts, of which some are rare", "few whole numbers", "two numbers"],
)
def test_a_drafted_study_predicts_amounts_as_numbers_and_few_whole_numbers_as_classes(
    folder: Path, target: np.ndarray, task: str
) -> None:
    customers(Exited=target).to_csv(folder / "c.csv", index=False)
    call("init", "c", "--data", "c.csv", "--target", "Exited", folder=folder)
    study = load(folder / "c.py").study
    assert isinstance(study.dataset, Table)
    assert study.dataset.task == task
    assert "training" in call("data", "show", "c.py", folder=folder)


@pytest.mark.parametrize(
    "columns",
    [
        {"Score": np.arange(200) % 5},
        {"Score": np.sqrt(np.arange(200) // 2), "City": [f"city {row * 3 % 60}" for row in range(200)]},
        {
            "Score": np.arange(200) / 7,
            "Exited": np.where(np.arange(200) % 50, "yes", "no"),
            "Why": np.arange(200) % 50 > 0,
        },
    ],
    ids=["rows of few values are alike", "rows differ in a rare city", "a column tells four rows"],
)
def test_what_may_be_chance_is_no_warning(tmp_path: Path, columns: dict[str, Any]) -> None:
    said = " ".join(seen(customers(**columns), tmp_path).warnings)
    assert "among the training rows" not in said
    assert "alone predicts" not in said
