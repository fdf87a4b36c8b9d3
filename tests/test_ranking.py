"""The answer in numbers: what may be the best, how sure that is, and results of other tools."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import hpstudy
from factories import make_grid_records, make_mlflow_settings, make_study
from hpstudy.analysis import rank
from hpstudy.analysis.candidates import may_be_best
from hpstudy.analysis.deciding import replicates_to_decide, replicates_to_differ
from hpstudy.analysis.standings import Verdict, standings
from hpstudy.cli import main
from hpstudy.errors import NotFoundError, UserError
from hpstudy.tracking import tracker_of

RESULT = ["mean", "low", "high", "n", "may_be_best", "p_best", "regret", "equivalent"]
ASKED: dict[str, Any] = {"value": "score", "by": ["optimizer", "lr"], "replicate": "seed"}


def make_frame(spread: float = 0.004, replicates: int = 5) -> pd.DataFrame:
    """Two optimizers at three learning rates: adam is better by 0.03, each tenfold learning rate by 0.01."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {"optimizer": optimizer, "lr": lr, "seed": seed, "score": 0.8 + gain + rng.normal(0, spread)}
            for optimizer, better in (("sgd", 0.0), ("adam", 0.03))
            for lr, gain in ((0.1, better + 0.02), (0.01, better + 0.01), (0.001, better))
            for seed in range(replicates)
        ]
    )


def test_the_best_comes_first_with_what_can_be_said_of_each() -> None:
    found = rank(make_frame(), **ASKED)
    assert list(found.columns) == ["optimizer", "lr", *RESULT]
    assert tuple(found.loc[0, ["optimizer", "lr"]]) == ("adam", 0.1)
    assert found["mean"].is_monotonic_decreasing
    assert found["may_be_best"].tolist() == [True] + [False] * 5
    assert found["p_best"].sum() == pytest.approx(1)
    assert (found["low"] < found["mean"]).all()
    assert (found["mean"] < found["high"]).all()
    assert found.loc[5, "regret"] == pytest.approx(0.05, abs=0.005)


def test_a_difference_on_these_data_is_not_always_one_on_new_data() -> None:
    rng = np.random.default_rng(0)
    scores = np.array([[0.9], [0.896], [0.8]]) + rng.normal(0, 0.003, (3, 10))
    found = standings(scores, 0.005, new_data_ratio=0.25)
    assert found.may_be_best.tolist() == [True, False, False]
    assert found.worse_on_new_data.tolist() == [False, False, True]
    assert not standings(scores, 0.005).worse_on_new_data.any()


def test_the_order_of_the_rows_changes_no_bit() -> None:
    frame = make_frame()
    pd.testing.assert_frame_equal(rank(frame, **ASKED), rank(frame.sample(frac=1, random_state=1), **ASKED))


def test_a_lower_score_is_better_where_it_is_said_so() -> None:
    frame = make_frame()
    errors = rank(frame.assign(score=1 - frame["score"]), **ASKED, maximize=False)
    scores = rank(frame, **ASKED)
    assert errors[["optimizer", "lr"]].equals(scores[["optimizer", "lr"]])
    np.testing.assert_allclose(errors["high"], 1 - scores["low"])
    assert (errors["regret"] >= 0).all()


def test_what_matters_in_practice_is_half_a_point_of_shares_and_a_part_of_anything_else() -> None:
    frame = make_frame(spread=0.0005)
    near = frame.assign(score=frame["score"].where(frame["lr"] != 0.01, frame["score"] + 0.006))
    shares = rank(near, **ASKED)
    hundreds = rank(near.assign(score=100 * near["score"]), **ASKED)
    assert shares.loc[1, "equivalent"] > 0.9, "0.004 behind, and 0.005 matters"
    assert hundreds.loc[2, "equivalent"] < 0.1 < hundreds.loc[1, "equivalent"], "0.4 behind, and 0.85 matters"
    assert rank(near, **ASKED, practical=0.0).loc[1, "equivalent"] < 0.05


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.drop(columns="score").assign(scores=1.0), "Did you mean 'scores'"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "Two runs or more have optimizer=sgd, lr=0.1, seed=0"),
        (lambda frame: frame.assign(score=frame["score"].where(frame["seed"] != 3)), "nan in row 3"),
        (lambda frame: frame.assign(score=np.where(frame["seed"] == 0, np.inf, 1)), "inf in row 0"),
        (lambda frame: frame.assign(score="good"), "good in row 0"),
        (lambda frame: frame.iloc[:0], "no row"),
        (lambda frame: frame.rename(columns={"lr": "mean"}), "no column 'lr'"),
    ],
    ids=["column", "twice", "missing", "infinite", "text", "empty", "renamed"],
)
def test_results_that_cannot_be_ranked_are_refused_with_what_to_do(change: Any, told: str) -> None:
    with pytest.raises(UserError, match=told):
        rank(change(make_frame()), **ASKED)


def test_little_says_little() -> None:
    """One run each: nothing is ruled out. Missing runs, missing levels and equal scores are no trouble."""
    once = rank(make_frame(replicates=1), **ASKED)
    assert once["may_be_best"].all()
    assert once[["low", "high", "p_best", "regret", "equivalent"]].isna().to_numpy().all()
    equal = rank(make_frame().assign(score=0.5), **ASKED)
    assert equal["may_be_best"].all()
    assert equal["equivalent"].min() == 1
    assert equal["p_best"].sum() == pytest.approx(1)
    frame = make_frame().drop([0, 7, 12])
    missing = rank(frame.assign(lr=frame["lr"].where(frame["lr"] != 0.01)), **ASKED)
    assert missing["n"].tolist() == [5, 5, 5, 4, 4, 4]
    assert missing["lr"].isna().sum() == 2
    (alone,) = rank(make_frame().query("optimizer == 'adam' and lr == 0.1"), **ASKED).itertuples()
    assert (alone.p_best, alone.equivalent, alone.may_be_best) == (1, 1, True)


def test_the_best_one_is_kept_and_the_far_ones_go() -> None:
    """A short form of the simulation in benchmarks/: 12 cells, of which 6 are as good as the best."""
    rng = np.random.default_rng(1)
    truth = np.array([0.88] * 6 + [0.83] * 6)
    kept = np.array(
        [may_be_best(truth[:, None] + rng.normal(0, 0.005, (12, 4)) + rng.normal(0, 0.01, 4)) for _ in range(150)]
    )
    assert kept[:, :6].mean() > 0.95
    assert kept[:, 6:].mean() < 0.01


def test_three_words_say_what_a_configuration_is() -> None:
    rng = np.random.default_rng(2)
    truth = np.array([0.880, 0.8795, 0.874, 0.84])
    found = standings(truth[:, None] + rng.normal(0, 0.0008, (4, 6)), 0.005)
    assert list(found.verdicts) == [Verdict.EQUIVALENT, Verdict.EQUIVALENT, Verdict.WORSE, Verdict.WORSE]
    wide = standings(truth[:, None] + rng.normal(0, 0.02, (4, 3)), 0.005)
    assert wide.verdicts[2] == Verdict.UNDECIDED
    assert [number is None for number in wide.needed].count(False) >= 1


@pytest.mark.parametrize("comparisons", [1, 6, 28])
@pytest.mark.parametrize("effect", [0.7, 1.5, 3.4, 9.9])
def test_so_many_replicates_show_a_difference_in_four_of_five_studies_and_one_less_does_not(
    effect: float, comparisons: int
) -> None:
    needed = replicates_to_differ(effect, 1.0, comparisons)
    assert needed is not None
    rng, critical = np.random.default_rng(0), 0.05 / comparisons

    def power(n: int) -> float:
        from hpstudy.analysis.statistics import paired_p

        return float((paired_p(rng.normal(effect, 1.0, (4000, n))) < critical).mean())

    assert power(needed) > 0.78
    assert needed == 3 or power(needed - 1) < 0.82


def test_replicates_decide_what_is_far_or_near_and_never_what_is_equal() -> None:
    assert replicates_to_differ(0.5, 1.0, 1) == 34, "as Cohen 1988 has it"
    assert replicates_to_differ(-0.8, 1.0, 1) == 15
    assert replicates_to_differ(0.0, 1.0, 1) is None
    far, near = replicates_to_decide(0.05, 0.01, 0.005, 5), replicates_to_decide(0.0, 0.01, 0.005, 5)
    assert far is not None
    assert near is not None
    assert far < near
    assert replicates_to_decide(0.0, 0.01, 0.0, 5) is None, "equal ones are never told apart"
    assert replicates_to_decide(0.05, 0.0, 0.005, 5) == 3
    assert math.isfinite(replicates_to_decide(1e6, 1e-3, 0.005, 500) or math.nan)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_command_ranks_a_file(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"results.{form}"
    frame = make_frame().rename(columns={"lr": "params.lr", "score": "metrics.score"})
    frame.to_csv(path, index=False) if form == "csv" else frame.to_parquet(path)
    command = ["analyse", str(path), "--value", "score", "--by", "optimizer, lr"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.output.splitlines()]
    assert lines[0] == "• Use adam, lr 0.1 (score 0.8499)."
    assert any(line.startswith("• Ruled out: 5 of 6") for line in lines)
    rows = json.loads(CliRunner().invoke(main, [*command, "--format", "json"]).output)
    assert [row["optimizer"] for row in rows] == ["adam"] * 3 + ["sgd"] * 3
    missing = CliRunner().invoke(main, ["analyse", str(tmp_path / "x.csv"), *command[2:]])
    assert (missing.exit_code, "There is no file" in missing.output) == (1, True)


def test_an_experiment_of_the_tracker_is_ranked_whoever_made_its_runs(tmp_path: Path) -> None:
    settings = make_mlflow_settings(tmp_path / "home")
    study = make_study()
    tracker_of(settings).mirror(study).sync(make_grid_records(study), state="finished", complete=True)
    home = {"home": tmp_path / "home"}
    asked: dict[str, Any] = {"value": "val_accuracy", "by": list(study.vary), "replicate": "seed", **home}
    found = hpstudy.analyse("mlflow:optimizers", **asked)
    assert found.table["n"].tolist() == [study.design.replicates] * len(study.cells())
    assert found.findings[0].startswith(f"Use {found.table.iloc[0, 0]}, learning_rate ")
    with pytest.raises(NotFoundError, match="Did you mean 'optimizers'"):
        hpstudy.analyse("mlflow:optimizer", **asked)
