"""Every reader reads its format, and refuses a truncated or wrong file by name."""

from __future__ import annotations

import gzip
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
from hpstudy.data.images import read_idx
from hpstudy.data.passengers import read_passengers
from hpstudy.errors import UserError

HAND_MADE = bytes.fromhex("00000803 00000002 00000001 00000003 01 02 03 fd fe ff")


def refused(action: Callable[[], object], path: Path) -> str:
    """The message of the refusal, which names the file."""
    with pytest.raises(UserError) as caught:
        action()
    assert str(path) in str(caught.value)
    return str(caught.value)


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
        (IDX_FILES[3], np.full(40, 77), "label 77"),
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
    ("member", "array"),
    [
        ("x_train", np.zeros((120, 10), np.int32)),
        ("x_train", ragged(["a review"] * 120)),
        ("x_train", ragged([1] * 120)),
        ("x_train", ragged([[-7]] * 120)),
        ("x_test", ragged([[1 << 40]] * 40)),
        ("x_test", ragged([[1]] * 39)),
        ("y_train", np.full(120, 2)),
        ("y_test", np.zeros(40)),
    ],
)
def test_verify_refuses_an_imdb_file_with_another_structure(tmp_path: Path, member: str, array: Any) -> None:
    path = write_imdb(tmp_path / "imdb.npz", **{member: array})
    refused(lambda: verify("imdb", make_settings(tmp_path, tmp_path)), path)


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
    from hpstudy.data.registry import default_remotes

    path = tmp_path / "titanic.arff"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    assert default_remotes()["titanic"][0].checksum.problem(path) is None
    columns, values, survived = read_passengers(path)
    assert values.shape == (1309, 7)
    assert survived.sum() == 500
    missing = dict(zip(columns, np.isnan(values).sum(axis=0).tolist(), strict=True))
    assert missing == {"pclass": 0, "sex": 0, "age": 263, "sibsp": 0, "parch": 0, "fare": 1, "embarked": 2}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text[: len(text) // 2], "breaks off"),
        (lambda text: text[: text.rindex(",") + 1], "last line"),
        (lambda text: text.replace("Survived", "Outcome"), "take train.csv"),
        (lambda text: text.replace(",Sex,Age,", ",Gender,Years,"), "sex, age"),
        (lambda text: text.replace("male", "man", 1), "man"),
        (lambda text: text.replace(",0.25,", ",cheap,"), "'cheap' as fare in line 2"),
        (lambda text: text.replace("\n1,0,", "\n1,7,").replace("\n1,1,", "\n1,7,"), "'7' as survived in line 2"),
        (lambda text: text.splitlines()[0] + "\n", "no passengers"),
        (lambda _: "", "survived, pclass, sex, age"),
        (lambda text: text + '"', "breaks off"),
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


def test_a_dataset_with_too_few_rows_to_split_says_so(tmp_path: Path) -> None:
    lonely = [Passenger(survived=str(int(i == 0)), pclass="1", sex="male", age="30") for i in range(10)]
    (tmp_path / "titanic.csv").write_text(kaggle_csv(lonely))
    with pytest.raises(UserError, match="cannot be split"):
        verify("titanic", make_settings(tmp_path, tmp_path))
