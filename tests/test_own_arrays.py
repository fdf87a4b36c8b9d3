"""Arrays, pictures and texts of a user's own, and what a study file's `load` returns."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from hpstudy import Arrays, Grid, Images, Study, Table, Texts, data
from hpstudy.data.arrays import Arrays as Prepared
from hpstudy.data.kind import kind_of
from hpstudy.data.scaling import decode
from hpstudy.errors import DatasetError, UserError
from hpstudy.settings import Settings
from hpstudy.study.own import Own
from hpstudy.study.studyfile import load
from hpstudy.training.trainer import Trainer
from kind_contract import check_kind


def settings_in(folder: Path) -> Settings:
    return replace(Settings.load({"home": str(folder / "home")}), cache_dir=folder / "cache")


def found(own: Own, folder: Path) -> Any:
    return data.resolved(replace(own, folder=folder), settings_in(folder))


def shapes(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Coloured images of two classes, uint8 (count, 6, 5, 3), and their labels."""
    rng = np.random.default_rng(3)
    y = np.arange(count) % 2
    return (rng.integers(0, 120, (count, 6, 5, 3)) + 100 * y[:, None, None, None]).astype(np.uint8), y


def reviews(path: Path, rows: int = 60) -> Path:
    rng = np.random.default_rng(5)
    words = np.array(["Good", "bad", "the", "film", "was", "영화", "plot,", "a"])
    texts = [" ".join(rng.choice(words, 6)) for _ in range(rows)]
    pd.DataFrame({"stars": rng.choice(["1", "5"], rows), "review": texts}).to_csv(path, index=False)
    return path


def test_digits_as_pictures_arrays_and_a_table_are_the_built_in_ones_and_train_alike(tmp_path: Path) -> None:
    digits = load_digits()
    pixels = digits.images.astype(np.uint8)
    for number, (picture, label) in enumerate(zip(pixels, digits.target, strict=True)):
        folder = tmp_path / "pictures" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{number:04}.png")
    np.savez(tmp_path / "digits.npz", x=pixels, y=digits.target)
    names = [f"pixel{number}" for number in range(64)]
    table = pd.DataFrame(digits.data.astype(int), columns=names).assign(digit=digits.target)
    table.to_csv(tmp_path / "digits.csv", index=False)
    settings, config = settings_in(tmp_path), {"scaling": "none"}
    datasets: list[str | Own] = [
        "digits",
        found(Images("pictures", size=(8, 8), color="gray"), tmp_path),
        found(Arrays("digits.npz"), tmp_path),
        found(Table("digits.csv", target="digit", numeric=tuple(names)), tmp_path),
    ]
    rows, accuracies, trainer = [], [], Trainer()
    for dataset in datasets:
        arrays = data.prepare(dataset, config, 42, settings)
        test = data.prepare_test(dataset, config, 42, settings)
        rows.append((arrays.classes, arrays.x, arrays.y, arrays.train, arrays.validation, test.x, test.y))
        accuracies.append(_accuracy(trainer, dataset, arrays, config))
    for others in rows[1:]:
        for first, other in zip(rows[0], others, strict=True):
            np.testing.assert_array_equal(first, other)
    assert len(set(accuracies)) == 1
    for dataset in datasets[1:3]:  # by default pixels are divided by their largest value
        np.testing.assert_array_equal(data.prepare(dataset, {}, 42, settings).scale, np.float32(1 / 16))


def _accuracy(trainer: Trainer, dataset: str | Own, arrays: Prepared, config: dict[str, Any]) -> float:
    study = Study(name="d", dataset=dataset, design=Grid(), base={"units": 8, "epochs": 1, **config})
    training = trainer.start(study.config({}), 42, arrays, None)
    list(training)
    return training.result()["val_accuracy"]


def test_arrays_of_kerass_form_have_their_own_test_split_and_labels_of_one_column(tmp_path: Path) -> None:
    x, y = shapes()
    np.savez(tmp_path / "a.npz", x_train=x[:40], y_train=y[:40, None], x_test=x[40:], y_test=y[40:, None])
    own, settings = found(Arrays("a.npz"), tmp_path), settings_in(tmp_path)
    assert own.content.rows == 40
    assert len(data.prepare_test(own, {}, 42, settings).y) == 20
    arrays = data.prepare(own, {}, 42, settings)
    assert (arrays.x.dtype, arrays.input_shape) == (np.uint8, (6, 5, 3))
    check_kind(own, {}, settings)


def test_numbers_in_npy_files_are_rows_of_any_shape(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    np.save(tmp_path / "x.npy", rng.normal(size=(50, 4, 3)))
    np.save(tmp_path / "y.npy", np.where(rng.random(50) < 0.5, "ja", "nein"))
    own, settings = found(Arrays("x.npy", labels="y.npy"), tmp_path), settings_in(tmp_path)
    assert own.content.classes == ("ja", "nein")
    arrays = data.prepare(own, {}, 42, settings)
    assert (arrays.x.dtype, arrays.input_shape) == (np.float32, (4, 3))
    check_kind(own, {}, settings)


def folder_of(tmp_path: Path, ending: str) -> Images:
    x, y = shapes()
    for number, picture in enumerate(x):
        folder = tmp_path / "p" / ("dark", "light")[y[number]]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{number:02}.{ending}")
    return Images("p", size=(12, 10))


@pytest.mark.parametrize("ending", ["png", "jpeg", "webp"])
def test_pictures_of_a_folder_become_one_size_and_the_model_takes_any(tmp_path: Path, ending: str) -> None:
    own, settings = found(folder_of(tmp_path, ending), tmp_path), settings_in(tmp_path)
    assert own.content.classes == ("dark", "light")
    check_kind(own, {}, settings)
    arrays = data.prepare(own, {}, 42, settings)
    assert (arrays.x.dtype, arrays.input_shape) == (np.uint8, (12, 10, 3))
    description = data.row_description(own, {}, arrays, settings)
    served = kind_of(own, {}).serve([np.zeros((3, 3), np.uint8), np.zeros((20, 4, 4), np.uint8)], description)
    assert served.shape == (2, 12, 10, 3)


def test_the_model_resizes_pictures_as_they_were_for_training(tmp_path: Path) -> None:
    own, settings = found(replace(folder_of(tmp_path, "png"), test=0.2), tmp_path), settings_in(tmp_path)
    arrays = data.prepare(own, {}, 42, settings)
    served = kind_of(own, {}).serve(shapes()[0], data.row_description(own, {}, arrays, settings))
    known = {row.tobytes() for row in served.astype(np.uint8)}
    assert all(row.tobytes() in known for row in arrays.x)


def test_pictures_may_be_named_by_a_table(tmp_path: Path) -> None:
    folder_of(tmp_path, "png")
    names = sorted((tmp_path / "p").rglob("*.png"), key=lambda path: path.name)
    rows = {"file": [path.relative_to(tmp_path) for path in names], "what": [path.parent.name for path in names]}
    pd.DataFrame(rows).to_csv(tmp_path / "list.csv", index=False)
    own = found(Images("list.csv", image="file", target="what", size=(6, 5)), tmp_path)
    settings = settings_in(tmp_path)
    folder = found(Images("p", size=(6, 5)), tmp_path)
    np.testing.assert_array_equal(data.prepare(own, {}, 42, settings).x, data.prepare(folder, {}, 42, settings).x)


def test_texts_are_multi_hot_in_the_training_rows_most_frequent_words(tmp_path: Path) -> None:
    reviews(tmp_path / "r.csv")
    own, settings = found(Texts("r.csv", text="review", target="stars"), tmp_path), settings_in(tmp_path)
    config = {"num_words": 10}
    check_kind(own, config, settings)
    arrays = data.prepare(own, config, 42, settings)
    assert (arrays.encoding, arrays.features) == ("bits", 1 + 8)
    description = data.row_description(own, config, arrays, settings)
    assert set(description["words"]) == {"good", "bad", "the", "film", "was", "영화", "plot", "a"}
    served = kind_of(own, config).serve(["GOOD film!", "unheard-of", ""], description)
    assert served.sum(axis=1).tolist() == [2, 1, 0]
    served = kind_of(own, config).serve(pd.read_csv(tmp_path / "r.csv"), description)
    known = {row.astype(np.uint8).tobytes() for row in served}
    assert all(row.tobytes() in known for row in decode(arrays.x, arrays.encoding, arrays.features).astype(np.uint8))


SOURCE = '''"""Is it one?"""
from pathlib import Path

import numpy as np
import pandas as pd

from hpstudy import Choice, Grid, Study, Table

study = Study(name="mine", dataset={dataset}, design=Grid(replicates=1), base=dict(units=4, epochs=1))

def load():
    with (Path(__file__).parent / "calls").open("a") as calls:
        calls.write("x")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    return {returned}
'''


@pytest.mark.parametrize(
    ("dataset", "returned", "features"),
    [
        ('"mine"', "x, y", 3),
        ('"mine"', "(x[:40], y[:40]), (x[40:], y[40:])", 3),
        ('Table("mine", target="y")', 'pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=y)', 3),
    ],
)
def test_a_study_file_may_load_its_dataset_which_happens_once_on_each_machine(
    tmp_path: Path, dataset: str, returned: str, features: int
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SOURCE.format(dataset=dataset, returned=returned))
    settings = settings_in(tmp_path)
    first = data.resolved(load(file).study.dataset, settings)  # type: ignore[arg-type]
    assert data.resolved(load(file).study.dataset, settings) == first  # type: ignore[arg-type]
    assert (tmp_path / "calls").read_text() == "x"
    study = replace(load(file).study, dataset=first)
    recorded = Study.from_json(study.to_json())
    assert recorded == study
    arrays = data.prepare(recorded.dataset, {}, 42, settings)  # by a process that has no study file
    assert arrays.features == features
    shutil.rmtree(settings.cache_dir)
    with pytest.raises(Exception, match=r"What load\(\) returns as mine is not on this machine. Give the study file"):
        data.fetch(recorded.dataset, settings)
    file.write_text(SOURCE.format(dataset=dataset, returned=returned).replace("default_rng(0)", "default_rng(1)"))
    with pytest.raises(DatasetError, match=r"What load\(\) returns is not what the study was begun with"):
        data.fetch(replace(first, loader=load(file).study.dataset.loader), settings)  # type: ignore[union-attr]


X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


def with_cell(value: float) -> np.ndarray:
    x = X.copy()
    x[3, 1] = value
    return x


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an object array": (dict(x=np.array([1, "a"], object), y=Y), "Python objects"),
    "NaN": (dict(x=with_cell(np.nan), y=Y), "x has nan in row 3, column 1"),
    "infinity": (dict(x=with_cell(np.inf), y=Y), "x has inf in row 3, column 1"),
    "lengths that differ": (dict(x=X, y=Y[:-1]), r"x has shape \(20, 2\) and y \(19,\)"),
    "no rows": (dict(x=X[:0], y=Y[:0]), "x has no rows"),
    "one class only": (dict(x=X, y=Y * 0), "only the label '0'"),
    "labels that are one-hot": (dict(x=X, y=np.eye(2)[Y]), r"y has shape \(20, 2\).*argmax"),
    "a quantity as labels": (dict(x=X, y=np.arange(20)), "an identifier or a quantity"),
    "other names": (dict(rows=X, labels=Y), "has the arrays rows, labels. Expected: the arrays x_train"),
    "texts as rows": (dict(x=np.array(["a"] * 20), y=Y), "Expected: numbers"),
    "a test split of another shape": (
        dict(x_train=X, y_train=Y, x_test=X[:, :1], y_test=Y),
        "Save both in the same form",
    ),
    "a test split with another label": (dict(x_train=X, y_train=Y, x_test=X, y_test=Y + 1), "has the label '2' in its"),
}


@pytest.mark.parametrize(("members", "sentence"), BAD.values(), ids=BAD)
def test_arrays_that_cannot_be_used_are_refused_in_a_sentence(
    tmp_path: Path, members: dict[str, Any], sentence: str
) -> None:
    np.savez(tmp_path / "a.npz", **members)
    with pytest.raises(DatasetError, match=sentence):
        found(Arrays("a.npz"), tmp_path)


def _truncated(folder: Path) -> None:
    path = next((folder / "p" / "dark").glob("*.png"))
    path.write_bytes(path.read_bytes()[:60])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_truncated, r"\d\d\.png cannot be read as a PNG, JPEG or WebP picture"),
        (lambda folder: shutil.rmtree(folder / "p" / "dark"), "only the label 'light'"),
        (
            lambda folder: [shutil.rmtree(one) for one in (folder / "p").iterdir()],
            "has no pictures. Expected: a folder",
        ),
        (lambda folder: shutil.rmtree(folder / "p"), "The folder p is not on this machine. Tried:"),
    ],
    ids=["a picture that cannot be read", "one class only", "no pictures", "no folder"],
)
def test_pictures_that_cannot_be_used_are_refused_in_a_sentence(
    tmp_path: Path, change: Callable[[Path], object], sentence: str
) -> None:
    own = folder_of(tmp_path, "png")
    change(tmp_path)
    with pytest.raises(UserError, match=sentence):
        found(own, tmp_path)


@pytest.mark.parametrize(
    ("declare", "sentence"),
    [
        (lambda: Arrays("x.npy"), "needs labels="),
        (lambda: Images("p", size=(0, 3)), "height and width"),
        (lambda: Images("p", size=(3, 3), color="cmyk"), "one of rgb, gray"),  # type: ignore[arg-type]
        (lambda: Images("p.csv", size=(3, 3), image="file"), "Give both"),
        (lambda: Texts("r.csv", text="t", target="t"), "names the column 't' twice"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(declare: Callable[[], Own], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        declare()


@pytest.mark.parametrize(("columns", "names"), [(1, ["y"]), (2, ["y0", "y1"])])
def test_numbers_may_be_predicted_from_arrays(tmp_path: Path, columns: int, names: list[str]) -> None:
    rng = np.random.default_rng(2)
    np.savez(tmp_path / "a.npz", x=rng.normal(size=(50, 3)), y=rng.normal(5, 2, size=(50, columns)))
    own, settings = found(Arrays("a.npz", task="regression"), tmp_path), settings_in(tmp_path)
    assert [target.name for target in own.content.targets] == names
    study = Study(name="n", dataset=own, design=Grid())
    assert Study.from_json(study.to_json()) == study
    assert study.objectives[0].metric == "val_rmse"
    check_kind(own, {}, settings)
    arrays = data.prepare(own, {}, 42, settings)
    assert (arrays.task, arrays.outputs) == ("regression", columns)


def test_numbers_may_be_predicted_from_texts(tmp_path: Path) -> None:
    reviews(tmp_path / "r.csv")
    own = found(Texts("r.csv", text="review", target="stars", task="regression"), tmp_path)
    arrays = data.prepare(own, {}, 42, settings_in(tmp_path))
    assert (arrays.task, arrays.classes) == ("regression", ())
