"""Every reader reads its format, and refuses a truncated or wrong file by name."""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas._libs.parsers import STR_NA_VALUES  # type: ignore[attr-defined]

from data_factories import (
    IDX_FILES,
    Passenger,
    bokeh_csv,
    idx_bytes,
    kaggle_csv,
    make_settings,
    openml_arff,
    ragged,
    random_images,
    random_passengers,
    real_or_generated,
    write_idx_dataset,
    write_imdb,
    write_npz_images,
)
from hpstudy.data import Arrays, TestArrays, decode, prepare, prepare_test, verify
from hpstudy.data.formats.idx import read_idx
from hpstudy.data.kind import kind_of
from hpstudy.data.kinds.table import Table
from hpstudy.data.places import Source
from hpstudy.errors import UserError

Passengers = tuple[tuple[str, ...], np.ndarray, np.ndarray]

HAND_MADE = bytes.fromhex("00000803 00000002 00000001 00000003 01 02 03 fd fe ff")


def refused(action: Callable[[], object], path: Path) -> str:
    """The message of the refusal, which names the file."""
    with pytest.raises(UserError) as caught:
        action()
    assert str(path) in str(caught.value)
    return str(caught.value)


def read_passengers(path: Path) -> Passengers:
    """Names of columns, values (passengers, columns), and who survived (passengers,)."""
    raw = kind_of("titanic", {}).read(Source(dataset="titanic", files=(path,), place="a test"), test=False)
    return tuple(column.name for column in raw.rows.columns), raw.rows.values, raw.labels


@pytest.mark.parametrize("packed", [True, False])
def test_idx_bytes_become_the_array_that_the_header_describes(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / ("images.gz" if packed else "images")
    path.write_bytes(gzip.compress(HAND_MADE) if packed else HAND_MADE)
    assert read_idx(path, dimensions=3).tolist() == [[[1, 2, 3]], [[253, 254, 255]]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (HAND_MADE[:-1], "5 bytes"),
        (HAND_MADE + b"x", "more than 6"),
        (HAND_MADE[:9], "begins with"),
        (b"", "(none)"),
        (b"\0\0\x0d\x03" + HAND_MADE[4:], "begins with"),
        (HAND_MADE.replace(b"\x08\x03", b"\x08\x01", 1), "begins with"),
        (b"<html>not found</html>", "begins with"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "0 bytes"),
    ],
)
def test_idx_file_with_other_bytes_than_announced_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(content))
    assert says in refused(lambda: read_idx(path, dimensions=3), path)


def test_packed_file_that_is_cut_damaged_or_not_packed_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(idx_bytes(random_images(20)[0]))
    damaged = bytearray(whole)
    damaged[-6] ^= 1  # in the checksum
    for content in (whole[: len(whole) // 2], bytes(damaged), HAND_MADE):
        path = tmp_path / "images.gz"
        path.write_bytes(content)
        assert "cannot be read to its end" in refused(lambda: read_idx(path, dimensions=3), path)  # noqa: B023


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        (IDX_FILES[1], np.zeros(199), "199 labels"),
        (IDX_FILES[1], np.full(200, 10), "label 10"),
        (IDX_FILES[3], np.append(np.zeros(39), 77), "label 77 in row 39"),
        (
            IDX_FILES[1],
            np.full(200, 3),
            "none of them of the class 0 (T-shirt/top), 1 (Trouser), 2 (Pullover), 4 (Coat)",
        ),
        (IDX_FILES[1], np.arange(200) % 9, "none of them of the class 9 (Ankle boot)"),
        (IDX_FILES[3], np.full(40, 3), "40 rows for the test"),
        (IDX_FILES[0], np.zeros((200, 27, 28)), "27 × 28"),
        (IDX_FILES[2], np.zeros((40, 28)), "begins with"),
    ],
)
def test_verify_names_the_idx_file_that_does_not_fit(tmp_path: Path, name: str, array: np.ndarray, says: str) -> None:
    folder = write_idx_dataset(tmp_path / "fashion-mnist")
    (folder / name).write_bytes(gzip.compress(idx_bytes(array)))
    settings = make_settings(tmp_path, tmp_path)
    assert says in refused(lambda: verify("fashion_mnist", settings), folder / name)


@pytest.mark.parametrize(
    ("member", "array", "says"),
    [
        ("x_train", np.zeros((200, 28, 28), np.float32), "float32"),
        ("x_test", np.zeros((40, 14, 14), np.uint8), "14"),
        ("y_train", np.zeros(199, np.uint8), "199 labels"),
        ("y_test", np.full(40, -1), "label -1"),
        ("y_train", np.zeros(200, np.uint8), "none of them of the class 1 (1)"),
        ("y_train", np.zeros(200), "float64"),
        ("y_train", ragged([[1]] * 200), "cannot be read"),
    ],
)
def test_verify_refuses_an_npz_file_with_another_member(tmp_path: Path, member: str, array: Any, says: str) -> None:
    path = write_npz_images(tmp_path / "mnist.npz", **{member: array})
    assert says in refused(lambda: verify("mnist", make_settings(tmp_path, tmp_path)), path)


@pytest.mark.parametrize("dataset", ["mnist", "imdb"])
def test_npz_file_that_is_cut_damaged_or_incomplete_is_refused(tmp_path: Path, dataset: str) -> None:
    path = tmp_path / f"{dataset}.npz"
    (write_npz_images if dataset == "mnist" else write_imdb)(path)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 3] ^= 0xFF
    settings = make_settings(tmp_path, tmp_path)
    for content in (whole[: len(whole) // 2], bytes(damaged), b"", b"<html>"):
        path.write_bytes(content)
        refused(lambda: verify(dataset, settings), path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("something", "else")
    assert "has no member" in refused(lambda: verify(dataset, settings), path)


@pytest.mark.parametrize(
    ("member", "array", "says"),
    [
        ("x_train", np.zeros((120, 10), np.int32), "int32"),
        ("x_train", ragged(["a review"] * 120), "something other than lists"),
        ("x_train", ragged([1] * 120), "something other than lists"),
        ("x_train", ragged([[-7]] * 120), "word numbers from -7"),
        ("x_test", ragged([[1 << 40]] * 40), "word numbers"),
        ("x_test", ragged([[1]] * 39), "39 reviews and labels of shape (40,)"),
        ("y_train", np.append(np.zeros(119, int), 2), "label 2 in row 119 (from 0) of y_train"),
        ("y_train", np.ones(120, int), "none of them of the class 0 (negative)"),
        ("y_test", np.zeros(40, int), "40 rows for the test, none of them of the class 1 (positive)"),
        ("y_test", np.zeros(40), "float64"),
    ],
)
def test_verify_refuses_an_imdb_file_with_another_structure(tmp_path: Path, member: str, array: Any, says: str) -> None:
    path = write_imdb(tmp_path / "imdb.npz", **{member: array})
    assert says in refused(lambda: verify("imdb", make_settings(tmp_path, tmp_path)), path)


class _Bomb:
    """Pickles as a call of os.mkdir."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._folder),)


def test_code_in_an_imdb_file_is_never_executed(tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    path = write_imdb(tmp_path / "imdb.npz", x_train=ragged([_Bomb(trace)] * 120))
    assert pickle.dumps(_Bomb(trace))
    assert "mkdir" in refused(lambda: verify("imdb", make_settings(tmp_path, tmp_path)), path)
    assert not trace.exists()


def slow_multi_hot(review: list[int], num_words: int) -> np.ndarray:
    """What keras.datasets.imdb.load_data(num_words) and a loop make of one review of the file."""
    row = np.zeros(num_words, np.uint8)
    for word in [1] + [word + 3 for word in review]:
        row[word if word < num_words else 2] = 1
    return row


def test_imdb_rows_are_the_multi_hot_vectors_of_keras(tmp_path: Path) -> None:
    folder = real_or_generated("imdb", tmp_path)
    settings = make_settings(tmp_path, folder)
    with np.load(folder / "imdb.npz", allow_pickle=True) as file:
        reviews = {split: file[f"x_{split}"] for split in ("train", "test")}
        labels = {split: file[f"y_{split}"] for split in ("train", "test")}
    for num_words in (10, 999, 10_000):
        config = {"num_words": num_words}
        arrays: dict[str, Arrays | TestArrays] = {
            "train": prepare("imdb", config, 42, settings),
            "test": prepare_test("imdb", config, 42, settings),
        }
        for split, part in arrays.items():
            sample = np.unique(np.linspace(0, len(reviews[split]) - 1, 200).astype(int))
            dense = decode(part.x[sample], part.encoding, part.features)
            slow = [slow_multi_hot(reviews[split][row], num_words) for row in sample]
            np.testing.assert_array_equal(dense, slow)
            np.testing.assert_array_equal(part.y, labels[split])


@pytest.mark.parametrize("quote", ['"', "'"])
def test_every_layout_of_the_passenger_list_means_the_same(tmp_path: Path, quote: str) -> None:
    passengers = random_passengers(40)
    (tmp_path / "kaggle.csv").write_text(kaggle_csv(passengers))
    (tmp_path / "openml.arff").write_text(openml_arff(passengers, quote))
    (tmp_path / "bokeh.csv").write_text(bokeh_csv(passengers))
    columns, kaggle, survived = read_passengers(tmp_path / "kaggle.csv")
    assert columns == ("pclass", "sex", "age", "sibsp", "parch", "fare", "embarked")
    openml_columns, openml, openml_survived = read_passengers(tmp_path / "openml.arff")
    assert openml_columns == columns
    np.testing.assert_array_equal(openml, kaggle)
    bokeh_columns, bokeh, bokeh_survived = read_passengers(tmp_path / "bokeh.csv")
    assert bokeh_columns == columns[:3]
    np.testing.assert_array_equal(bokeh, kaggle[:, :3])
    assert survived.tolist() == openml_survived.tolist() == bokeh_survived.tolist()
    assert survived.tolist() == [int(passenger.survived) for passenger in passengers]


def test_missing_values_are_filled_and_texts_become_columns(tmp_path: Path) -> None:
    """Median age 30 for the missing one, the most frequent port S for the missing one, sex and port one-hot."""
    known = [Passenger(survived=str(i % 2), pclass="3", sex="male", age="30", sibsp="2", fare="8.5") for i in range(38)]
    missing = [
        Passenger(survived=str(i % 2), pclass="1", sex="female", age="", embarked="", sibsp="2", fare="8.5")
        for i in range(2)
    ]
    (tmp_path / "titanic.csv").write_text(kaggle_csv(known + missing))
    settings = make_settings(tmp_path, tmp_path)
    x = np.concatenate([prepare("titanic", {}, 42, settings).x, prepare_test("titanic", {}, 42, settings).x])
    rows = {tuple(row) for row in x.tolist()}
    assert rows == {(2, 0, 1, 30, 2, 0, 8.5, 0, 0, 1), (0, 1, 0, 30, 2, 0, 8.5, 0, 0, 1)}


def test_openml_file_that_scikit_learn_ships_is_read_whole(tmp_path: Path) -> None:
    """The real ARFF file, as its checksum in the registry says."""
    sklearn = pytest.importorskip("sklearn")
    packed = Path(sklearn.__file__).parent / "datasets/tests/data/openml/id_40945/data-v1-dl-16826755.arff.gz"
    if not packed.exists():
        pytest.skip("this scikit-learn comes without its test data")
    from hpstudy.data.registry import default_downloads

    path = tmp_path / "titanic.arff"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    assert default_downloads()["titanic"][0].checksum.problem(path) is None
    columns, values, survived = read_passengers(path)
    assert values.shape == (1309, 7)
    assert survived.sum() == 500
    missing = dict(zip(columns, np.isnan(values).sum(axis=0).tolist(), strict=True))
    assert missing == {"pclass": 0, "sex": 0, "age": 263, "sibsp": 0, "parch": 0, "fare": 1, "embarked": 2}


def delimited(delimiter: str, *, comma: bool = False, **form: Any) -> str:
    """Kaggle's list with another delimiter, and with decimal commas in Age and Fare."""
    header, *rows = csv.reader(io.StringIO(kaggle_csv(random_passengers(40))))
    if comma:
        rows = [[cell.replace(".", ",") if place in (5, 9) else cell for place, cell in enumerate(row)] for row in rows]
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, **{"lineterminator": "\n", **form}).writerows([header, *rows])
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        *(pytest.param(delimited(mark).encode(), id=f"delimiter {mark!r}") for mark in ";\t|"),
        pytest.param(delimited(";", comma=True, lineterminator="\r\n").encode("cp1252"), id="German spreadsheet"),
        pytest.param(
            delimited("\t", comma=True, quoting=csv.QUOTE_ALL).encode("utf-16"), id="Unicode text, all quoted"
        ),
        pytest.param(delimited(";").replace("O'Brien", "Ödön").encode("latin-1"), id="Latin-1"),
        pytest.param(delimited(",").encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(delimited(",").replace("O'Brien", "Ödön").encode("utf-8-sig"), id="UTF-8 with a mark"),
        pytest.param(delimited(",").replace("\n", "\r").encode(), id="line breaks of old Macs"),
        pytest.param(delimited(",").replace("O'Brien,", "O'Brien\r\n;;|\t").encode(), id="line breaks in names"),
        pytest.param(delimited(",").replace("\n", ",\n").encode(), id="a delimiter at every end"),
        pytest.param(re.sub("(?<!Embarked)\n", ",\n", delimited(",")).encode(), id="a delimiter at the ends of rows"),
        pytest.param(delimited(",").replace("\n", "\n\n  \n,,,,,,,,,,,\n").encode(), id="empty rows"),
        pytest.param(delimited(",").replace(",", ", ").encode(), id="a space after each delimiter"),
        pytest.param(
            delimited(",").replace("Pclass,Name,Sex,Age", " PCLASS ,Name,sex, age").encode(), id="other names"
        ),
    ],
)
def test_a_passenger_list_means_the_same_whatever_program_wrote_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kaggle.csv").write_text(kaggle_csv(random_passengers(40)))
    columns, values, survived = read_passengers(tmp_path / "kaggle.csv")
    (tmp_path / "other.csv").write_bytes(content)
    other_columns, other_values, other_survived = read_passengers(tmp_path / "other.csv")
    assert other_columns == columns
    np.testing.assert_array_equal(other_values, values)
    np.testing.assert_array_equal(other_survived, survived)


@pytest.mark.parametrize("text", [*sorted(STR_NA_VALUES), "-", "?", " Na ", "NONE"])
def test_texts_that_stand_for_missing_values_are_the_same_in_a_file_and_in_a_served_row(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "titanic.csv"
    path.write_text(kaggle_csv([Passenger(survived="1", pclass="2", sex="male", age=text, embarked=text, name=text)]))
    _, values, _ = read_passengers(path)
    assert np.isnan(values).tolist() == [[False, False, True, False, False, False, True]]
    fills = {"age": 28.0, "embarked": 2.0}
    row = pd.DataFrame({"Age": [text], "Embarked": [text]})
    assert Table.serve(row, {"fills": fills}).tolist() == [[28, 0, 0, 1]]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Cabin", "age", "'Age' and 'age'"),
        ("Cabin", " AGE ", "'Age' and ' AGE '"),
        ("Cabin", "Survived", "'Survived' and 'Survived'"),
        ("Ticket", "pclass", "'Pclass' and 'pclass'"),
    ],
)
def test_a_column_that_is_there_twice_is_refused_in_a_file_and_in_served_rows(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    path = tmp_path / "titanic.csv"
    path.write_text(kaggle_csv(random_passengers()).replace(old, new))
    assert says in refused(lambda: verify("titanic", make_settings(tmp_path, tmp_path)), path)
    with pytest.raises(ValueError, match="'Age' and 'age '"):
        Table.serve(pd.DataFrame({"Age": [3], "age ": [4]}), {"fills": {"age": 28.0}})


def test_columns_that_nobody_reads_may_have_one_name(tmp_path: Path) -> None:
    path = tmp_path / "titanic.csv"
    path.write_text(kaggle_csv(random_passengers()).replace("Cabin", "Ticket"))
    assert read_passengers(path)[1].shape == (150, 7)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, "magnitude 8.5e+37 at most") for value in ("1e39", "inf", "-Infinity", "1e400", "-1e39", "1e38")),
        *((value, "a number such as 7.25") for value in ("1912-04-15", "cheap", "7,25", "1.234,5")),
        ("-3", "at least 0"),
    ],
)
def test_a_value_that_cannot_be_computed_is_refused_with_its_line_in_a_file_and_in_served_rows(
    tmp_path: Path, value: str, expected: str
) -> None:
    path = tmp_path / "titanic.csv"
    path.write_text(kaggle_csv(random_passengers()).replace(",2.25,", f',"{value}",').replace("O'B", "O\n\n'B", 1))
    says = refused(lambda: verify("titanic", make_settings(tmp_path, tmp_path)), path)
    assert f"has {value!r} as fare in line 6. Expected: " in says
    assert expected in says
    with pytest.raises(ValueError, match=r"fare is .*Expected: ") as caught:
        Table.serve(pd.DataFrame({"fare": [value]}), {"fills": {"fare": 28.0}})
    assert expected in str(caught.value)


def test_values_that_float32_can_hold_are_read(tmp_path: Path) -> None:
    path = tmp_path / "titanic.csv"
    path.write_text(kaggle_csv(random_passengers(4)).replace(",0.25,", ",8e37,").replace(",1.25,", ",1e-300,"))
    assert read_passengers(path)[1][:2, 5].tolist() == [8e37, 1e-300]
    assert not any(map(math.isinf, read_passengers(path)[1].astype(np.float32).ravel()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text[: len(text) // 2], "is cut off"),
        (lambda text: text[: text.rindex(",") + 1], "last line"),
        (lambda text: text.replace("Survived", "Outcome"), "take train.csv"),
        (lambda text: text.replace(",Sex,Age,", ",Gender,Years,"), "sex, age"),
        (lambda text: text.replace("male", "man", 1), "man"),
        (lambda text: text.replace(",0.25,", ",cheap,"), "'cheap' as fare in line 2"),
        (lambda text: text.replace("\n1,0,", "\n1,7,").replace("\n1,1,", "\n1,7,"), "'7' as survived in line 2"),
        (lambda text: text.replace("\n1,0,", "\n1,,").replace("\n1,1,", "\n1,,"), "lacks survived in line 2"),
        (lambda text: text.replace("\n9,", "\n9,1,"), "13 cells in line 10. Expected: 12"),
        (lambda text: text.replace("\n9,1,", "\n").replace("\n9,0,", "\n"), "10 cells in line 10. Expected: 12"),
        (lambda text: text.replace(",Sex", ";Sex") + "\0", "not text"),
        (lambda text: text.splitlines()[0] + "\n", "no passengers"),
        (lambda text: text.splitlines()[0], "no passengers"),
        (lambda text: re.sub(r"\n(\d+),0,", r"\n\1,1,", text), "150 rows, none of them of the class 0 (died)"),
        (lambda text: re.sub(r"\n(\d+),1,", r"\n\1,0,", text), "150 rows, none of them of the class 1 (survived)"),
        (lambda _: "", "survived, pclass, sex, age"),
        (lambda text: text + '"', "is cut off"),
    ],
)
def test_passenger_list_that_is_cut_or_wrong_is_refused(
    tmp_path: Path, change: Callable[[str], str], says: str
) -> None:
    path = tmp_path / "titanic.csv"
    path.write_text(change(kaggle_csv(random_passengers())))
    assert says in refused(lambda: verify("titanic", make_settings(tmp_path, tmp_path)), path)


def test_passenger_list_that_is_no_text_or_no_arff_is_refused(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, tmp_path)
    path = tmp_path / "titanic.arff"
    for content in (b"\xff\xfe\x00", b"@relation x\n1,2,3\n"):
        path.write_bytes(content)
        refused(lambda: verify("titanic", settings), path)


@pytest.mark.parametrize(("survivors", "rows"), [(1, 10), (2, 100), (3, 200)])
def test_a_class_that_is_too_rare_for_every_split_is_refused(tmp_path: Path, survivors: int, rows: int) -> None:
    lonely = [Passenger(survived=str(int(i < survivors)), pclass="1", sex="male", age="30") for i in range(rows)]
    path = tmp_path / "titanic.csv"
    path.write_text(kaggle_csv(lonely))
    settings = make_settings(tmp_path, tmp_path)
    for action in (lambda: verify("titanic", settings), lambda: prepare("titanic", {}, 42, settings)):
        says = refused(action, path)
        assert "cannot be split with every class in both parts: the label 1 has" in says
        assert "seven are enough" in says


def test_seven_rows_of_a_class_are_enough_for_every_split(tmp_path: Path) -> None:
    rare = [Passenger(survived=str(int(i < 7)), pclass="1", sex="male", age=str(i % 50)) for i in range(93)]
    (tmp_path / "titanic.csv").write_text(kaggle_csv(rare))
    settings = make_settings(tmp_path, tmp_path)
    for seed in range(8):
        arrays, test = (make("titanic", {}, seed, settings) for make in (prepare, prepare_test))
        assert isinstance(arrays, Arrays)
        for labels in (arrays.y[arrays.train], arrays.y[arrays.validation], test.y):
            assert set(labels.tolist()) == {0, 1}
