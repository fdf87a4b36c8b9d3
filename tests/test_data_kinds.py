"""Every kind of datasets that ships keeps what `Kind` promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_factories import generated, make_settings, openml_arff, random_passengers
from hpstudy import data
from hpstudy.data.kind import kind_of
from hpstudy.data.kinds.numbers import Numbers
from hpstudy.data.kinds.table import Table
from hpstudy.data.kinds.words import Words
from hpstudy.data.splits import test_and_rest as split_off
from kind_contract import check_kind


@pytest.mark.parametrize(
    "dataset", ["digits", "imdb", "titanic", "breast_cancer", "wine", "iris", "diabetes", "logic_gates"]
)
def test_a_kind_serves_rows_where_hpstudy_is_not_installed(dataset: str, tmp_path: Path) -> None:
    check_kind(dataset, {"num_words": 50, "gate": "or"}, make_settings(tmp_path, generated(dataset, tmp_path)))


@pytest.mark.parametrize("dataset", ["digits", "breast_cancer", "wine", "iris", "diabetes", "logic_gates"])
def test_numbers_are_served_as_they_are_trained_on(dataset: str, tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    arrays = data.prepare(dataset, {}, 42, settings)
    rows = arrays.x.reshape(-1, *arrays.input_shape)
    served = kind_of(dataset, {}).serve(rows, data.row_description(dataset, {}, arrays, settings))
    np.testing.assert_array_equal(served, rows)


@pytest.mark.parametrize("layout", ["kaggle", "openml"])
def test_passengers_are_served_as_they_are_trained_on(layout: str, tmp_path: Path) -> None:
    """With what is missing, in every row of the list."""
    folder = generated("titanic", tmp_path / "data")
    if layout == "openml":
        (folder / "titanic.csv").unlink()
        (folder / "titanic.arff").write_text(openml_arff(random_passengers()))
    settings = make_settings(tmp_path, folder)
    arrays = data.prepare("titanic", {}, 42, settings)
    source, kind = data.fetch("titanic", settings), kind_of("titanic", {})
    assert isinstance(kind, Table)
    file = kind.file(source)
    raw = pd.DataFrame({name: file.column(place) for place, name in enumerate(file.names)})
    _, rest = split_off(kind.read(source, test=False).labels)
    served = kind.serve(raw.iloc[rest], data.row_description("titanic", {}, arrays, settings))
    np.testing.assert_array_equal(served, arrays.x)


def test_a_wrong_passenger_or_word_is_refused_by_name() -> None:
    fills = {"sex": 1.0, "age": 28.0}
    with pytest.raises(ValueError, match=r"sex is 'unknown'\. Expected: female, male, or nothing"):
        Table.serve(pd.DataFrame({"Sex": ["unknown"]}), {"fills": fills})
    assert Table.serve(pd.DataFrame({"Sex": [None], "AGE": [3]}), {"fills": fills}).tolist() == [[0, 1, 3]]
    with pytest.raises(ValueError, match=r"number -2\. Expected: numbers of at least 0"):
        Words.serve([[5, -2]], {"num_words": 9})


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


def test_measurements_are_served_by_name_in_any_order_and_a_missing_one_is_refused(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    arrays = data.prepare("iris", {}, 42, settings)
    description = data.row_description("iris", {}, arrays, settings)
    rows = pd.DataFrame(arrays.x[:3], columns=description["columns"])
    shuffled = rows[rows.columns[::-1]].assign(colour="blue")
    np.testing.assert_array_equal(Numbers.serve(shuffled, description), arrays.x[:3])
    with pytest.raises(ValueError, match=r"lack the columns petal width \(cm\)"):
        Numbers.serve(rows.iloc[:, :-1], description)
    rows.iloc[1, 0] = np.nan
    with pytest.raises(ValueError, match=r"sepal length \(cm\) in row 1 is nan\. Expected: a finite number"):
        Numbers.serve(rows, description)
