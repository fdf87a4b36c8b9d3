"""Datasets are found in the documented order, in every documented layout, and missing ones are explained."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from data_factories import (
    IDX_FILES,
    bokeh_csv,
    generated,
    make_settings,
    openml_arff,
    random_passengers,
    real_data_dir,
    write_idx_dataset,
    write_imdb,
    write_kaggle_titanic,
    write_npz_images,
)
from hpstudy.data import fetch, locate, prepare, verify
from hpstudy.data.registry import Registry
from hpstudy.errors import NotFoundError, UserError

NOWHERE = Registry(downloads={}, system_dirs=())


@pytest.fixture(autouse=True)
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras's cache of this test, empty at first."""
    home = tmp_path / "keras"
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home


def test_places_count_in_their_order(tmp_path: Path, keras_home: Path) -> None:
    settings = make_settings(tmp_path, tmp_path / "mine")
    system = tmp_path / "system"
    registry = Registry(downloads={}, system_dirs=(system,))
    assert locate("fashion_mnist", settings, registry=registry) is None
    roots = {
        "Keras's cache": keras_home / "datasets",
        "system package": system,
        "hpstudy's cache": settings.cache_dir / "datasets",
        "HPSTUDY_DATA_DIR": tmp_path / "mine",
    }
    for place, root in roots.items():  # from the last that is asked to the first
        write_idx_dataset(root / "fashion-mnist")
        found = locate("fashion_mnist", settings, registry=registry)
        assert found
        assert (found.place, found.files) == (place, tuple(root / "fashion-mnist" / name for name in IDX_FILES))


@pytest.mark.parametrize(
    ("dataset", "file"),
    [
        ("fashion_mnist", "fashion_mnist.npz"),
        ("fashion_mnist", "fashion_mnist/fashion_mnist.npz"),
        ("mnist", "mnist.npz"),
        ("mnist", "mnist/mnist.npz"),
        ("imdb", "imdb.npz"),
        ("imdb", "imdb/imdb.npz"),
        ("titanic", "titanic.csv"),
        ("titanic", "titanic/train.csv"),
        ("titanic", "titanic/titanic.csv"),
        ("titanic", "titanic.arff"),
        ("titanic", "titanic/titanic_all.csv"),
    ],
)
def test_single_files_are_found_by_name(tmp_path: Path, dataset: str, file: str) -> None:
    path = tmp_path / "data" / file
    path.parent.mkdir(parents=True)
    if file.endswith(".arff"):
        path.write_text(openml_arff(random_passengers()))
    elif file.endswith("_all.csv"):
        path.write_text(bokeh_csv(random_passengers()))
    else:
        (write_kaggle_titanic if dataset == "titanic" else write_imdb if dataset == "imdb" else write_npz_images)(path)
    settings = make_settings(tmp_path, tmp_path / "data")
    assert verify(dataset, settings, registry=NOWHERE).files == (path,)


@pytest.mark.parametrize(
    ("dataset", "folder"),
    [
        ("fashion_mnist", "fashion-mnist"),
        ("fashion_mnist", "fashion_mnist"),
        ("fashion_mnist", "FashionMNIST/raw"),
        ("mnist", "mnist"),
        ("mnist", "MNIST/raw"),
    ],
)
def test_idx_files_are_found_in_a_folder_named_for_the_dataset(tmp_path: Path, dataset: str, folder: str) -> None:
    write_idx_dataset(tmp_path / folder)
    for data_dir in (tmp_path, tmp_path / folder):
        assert verify(dataset, make_settings(tmp_path, data_dir), registry=NOWHERE).place == "HPSTUDY_DATA_DIR"


def test_idx_files_and_train_csv_in_a_folder_of_another_name_are_not_guessed_at(tmp_path: Path) -> None:
    write_idx_dataset(tmp_path / "data")
    write_kaggle_titanic(tmp_path / "data" / "train.csv")
    settings = make_settings(tmp_path, tmp_path / "data")
    for dataset in ("fashion_mnist", "mnist", "titanic"):
        assert locate(dataset, settings, registry=NOWHERE) is None


def test_unpacked_idx_files_are_read_too(tmp_path: Path) -> None:
    folder = write_idx_dataset(tmp_path / "mnist")
    for name in IDX_FILES:
        (folder / name.removesuffix(".gz")).write_bytes(gzip.decompress((folder / name).read_bytes()))
        (folder / name).unlink()
    assert prepare("mnist", {}, 42, make_settings(tmp_path, tmp_path)).x.shape == (200, 784)


def test_idx_and_npz_files_give_the_same_arrays(tmp_path: Path) -> None:
    write_idx_dataset(tmp_path / "one" / "mnist")
    generated("mnist", tmp_path / "two")
    one, two = (prepare("mnist", {}, 42, make_settings(tmp_path, tmp_path / n)) for n in ("one", "two"))
    assert one.digest == two.digest
    np.testing.assert_array_equal(one.train, two.train)


def test_an_incomplete_place_is_passed_over_and_explained(tmp_path: Path, keras_home: Path) -> None:
    settings = make_settings(tmp_path, tmp_path / "mine")
    write_idx_dataset(tmp_path / "mine" / "fashion-mnist")
    (tmp_path / "mine" / "fashion-mnist" / IDX_FILES[3]).unlink()
    with pytest.raises(NotFoundError, match=rf"fashion-mnist lacks {IDX_FILES[3]}"):
        fetch("fashion_mnist", settings, registry=NOWHERE)
    write_idx_dataset(keras_home / "datasets" / "fashion-mnist")
    assert fetch("fashion_mnist", settings, registry=NOWHERE).place == "Keras's cache"


@pytest.mark.parametrize("dataset", ["fashion_mnist", "mnist", "imdb", "titanic"])
@pytest.mark.parametrize("action", [fetch, verify])
def test_the_error_for_a_missing_dataset_lists_every_place_and_what_to_put_where(
    tmp_path: Path, dataset: str, action: object
) -> None:
    settings = make_settings(tmp_path)
    registry = Registry(downloads={}, system_dirs=(tmp_path / "system",))
    with pytest.raises(NotFoundError) as caught:
        action(dataset, settings, registry=registry)  # type: ignore[operator]
    message = str(caught.value)
    assert "HPSTUDY_DATA_DIR: not set" in message
    assert f"hpstudy's cache: {settings.cache_dir / 'datasets'}" in message
    assert f"system package: {tmp_path / 'system'}" in message
    assert ("Keras's cache" in message) == (dataset != "titanic")
    assert ("download: " in message) == (action is fetch)
    assert "set HPSTUDY_DATA_DIR=DIR" in message


@pytest.mark.parametrize("dataset", ["digits", "breast_cancer", "wine", "iris", "logic_gates"])
def test_built_in_datasets_are_always_there(tmp_path: Path, dataset: str) -> None:
    settings = make_settings(tmp_path)
    for action in (locate, fetch, verify):
        source = action(dataset, settings)
        assert source
        assert source.place == "built in"


@pytest.mark.parametrize("action", [locate, fetch, verify])
def test_an_unknown_dataset_is_refused_with_the_nearest_name(tmp_path: Path, action: object) -> None:
    with pytest.raises(UserError, match="'fashion_mnist'"):
        action("fashion-mnist", make_settings(tmp_path))  # type: ignore[operator]


@pytest.mark.parametrize("dataset", ["fashion_mnist", "imdb", "titanic"])
def test_the_real_files_are_right(tmp_path: Path, dataset: str) -> None:
    folder = real_data_dir(dataset)
    if folder is None:
        pytest.skip(f"HPSTUDY_DATA_DIR has no {dataset}")
    source = verify(dataset, make_settings(tmp_path, folder), registry=NOWHERE)
    assert source.place == "HPSTUDY_DATA_DIR"


def test_the_checksums_of_fashion_mnist_are_those_of_the_real_files() -> None:
    folder = real_data_dir("fashion_mnist")
    if folder is None:
        pytest.skip("HPSTUDY_DATA_DIR has no fashion_mnist")
    from hpstudy.data.registry import default_downloads

    for one in default_downloads()["fashion_mnist"]:
        assert one.checksum.problem(folder / one.file) is None
