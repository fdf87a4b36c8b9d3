"""Every kind of datasets that ships keeps what `Kind` promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_factories import generated, make_settings
from hpstudy import data
from hpstudy.data.kind import kind_of
from kind_contract import check_kind


@pytest.mark.parametrize("dataset", ["digits", "imdb", "titanic", "logic_gates"])
def test_a_kind_serves_rows_where_hpstudy_is_not_installed(dataset: str, tmp_path: Path) -> None:
    check_kind(dataset, {"num_words": 50, "gate": "or"}, make_settings(tmp_path, generated(dataset, tmp_path)))


@pytest.mark.parametrize("dataset", ["digits", "logic_gates"])
def test_what_is_served_is_what_was_trained_on(dataset: str, tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    arrays = data.prepare(dataset, {}, 42, settings)
    rows = arrays.x.reshape(-1, *arrays.input_shape)
    served = kind_of(dataset, {}).serve(rows, data.row_description(dataset, {}, arrays, settings))
    np.testing.assert_array_equal(served, rows)


def test_a_column_without_any_value_is_filled_with_its_lowest_code(tmp_path: Path) -> None:
    folder = generated("titanic", tmp_path)
    lines = (folder / "titanic.csv").read_text().splitlines()
    rows = [line.split(",", 3) for line in lines[1:]]
    text = "\n".join([lines[0], *(f"{number},{survived},,{rest}" for number, survived, _, rest in rows)])
    (folder / "titanic.csv").write_text(text + "\n")
    settings = make_settings(tmp_path, folder)
    arrays = data.prepare("titanic", {}, 42, settings)
    assert set(arrays.x[:, 0].tolist()) == {0}
    assert data.row_description("titanic", {}, arrays, settings)["fills"]["pclass"] == 1
