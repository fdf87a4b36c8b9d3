"""Where a dataset's files may lie, and which of those places has them now. Nothing is opened here."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hpstudy.data.registry import Registry
from hpstudy.folders import home_directory
from hpstudy.settings import Settings

_IDX_STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# The folders of a dataset's own, as Debian, Keras, torchvision and people name them.
_FOLDERS = {
    "fashion_mnist": ("fashion-mnist", "fashion_mnist", "FashionMNIST/raw"),
    "mnist": ("mnist", "MNIST/raw"),
    "imdb": ("imdb",),
    "titanic": ("titanic",),
}
# File names that say which dataset it is, wherever they lie.
_TELLING_FILES = {
    "fashion_mnist": ("fashion_mnist.npz", "fashion-mnist.npz"),
    "mnist": ("mnist.npz",),
    "imdb": ("imdb.npz",),
    "titanic": ("titanic.csv", "titanic.arff", "Titanic.arff", "titanic_all.csv"),
}
_FILES_IN_OWN_FOLDER = {"titanic": ("train.csv",)}  # a name that says nothing outside the folder `titanic`
_IN_KERAS_CACHE = ("fashion_mnist", "mnist", "imdb")
BUILT_IN = ("digits", "logic_gates")

ADVICE = {
    "fashion_mnist": f"the four files {', '.join(stem + '.gz' for stem in _IDX_STEMS)} into DIR/fashion-mnist/ "
    "(or Keras's form as DIR/fashion_mnist.npz)",
    "mnist": f"Keras's mnist.npz into DIR/ (or {', '.join(stem + '.gz' for stem in _IDX_STEMS)} into DIR/mnist/)",
    "imdb": "Keras's imdb.npz into DIR/",
    "titanic": "Kaggle's train.csv as DIR/titanic.csv (or OpenML's titanic.arff, or its .csv, into DIR/titanic/)",
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a dataset was found."""

    dataset: str
    files: tuple[Path, ...]  # four idx files (images and labels, training before test), or one file, or none
    place: str  # in words: "HPSTUDY_DATA_DIR", "hpstudy's cache", "downloaded", ...

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """Path, size in bytes and time of the last change (ns) of each file: other values, other data.

        Raises:
            OSError: a file has gone since it was found.
        """
        stats = [(str(path), path.stat()) for path in self.files]
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One folder that was, or would be, looked into."""

    title: str
    root: Path | None  # None: the place is not set up here

    def find(self, dataset: str) -> tuple[Path, ...]:
        """The dataset's files in this place; empty where it has none or only some of them."""
        if self.root is None:
            return ()
        for folder in _own_folders(dataset, self.root):
            paths = [_first(folder / f"{stem}.gz", folder / stem) for stem in _IDX_STEMS]
            if found := [path for path in paths if path]:
                return tuple(found) if len(found) == len(paths) else ()
        single = _first(*_single_files(dataset, self.root))
        return (single,) if single else ()

    def explain(self, dataset: str) -> str:
        """Why `find` found nothing."""
        if self.root is None:
            return f"{self.title}: not set"
        if not os.path.isdir(self.root):  # noqa: PTH112 - `Path.is_dir` raises in a folder that may not be entered
            return f"{self.title}: {self.root} is no folder here"
        for folder in _own_folders(dataset, self.root):
            lacks = [stem for stem in _IDX_STEMS if not _first(folder / f"{stem}.gz", folder / stem)]
            if 0 < len(lacks) < len(_IDX_STEMS):
                return f"{self.title}: {folder} lacks {', '.join(f'{stem}.gz' for stem in lacks)}"
        return f"{self.title}: {self.root} has no {dataset}"


def datasets_dir(settings: Settings) -> Path:
    """The folder of hpstudy's cache that downloads go to."""
    return settings.cache_dir / "datasets"


def places(dataset: str, settings: Settings, registry: Registry) -> Iterator[Place]:
    """Every place to look for the dataset, in the order in which they count."""
    yield Place(title="HPSTUDY_DATA_DIR", root=settings.data_dir)
    yield Place(title="hpstudy's cache", root=datasets_dir(settings))
    for folder in registry.system_dirs:
        yield Place(title="system package", root=folder)
    if dataset in _IN_KERAS_CACHE:
        yield Place(title="Keras's cache", root=_keras_datasets())


def built_in(dataset: str) -> Source:
    """The source of a dataset that needs no files of the user."""
    files: tuple[Path, ...] = ()
    if dataset == "digits":
        # Asking for the module's place does not import it: a trainer process needs no scikit-learn.
        spec = importlib.util.find_spec("sklearn")
        roots = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
        candidates = (Path(root) / "datasets" / "data" / "digits.csv.gz" for root in roots)
        files = tuple(path for path in candidates if path.is_file())
    return Source(dataset=dataset, files=files, place="built in")


def _own_folders(dataset: str, root: Path) -> Iterator[Path]:
    """The folders below `root` that are named for the dataset, and `root` itself if it is."""
    for name in _FOLDERS[dataset]:
        if root.parts[-name.count("/") - 1 :] == tuple(name.split("/")):
            yield root
        yield root / name


def _single_files(dataset: str, root: Path) -> Iterator[Path]:
    for folder in _own_folders(dataset, root):
        for name in (*_TELLING_FILES[dataset], *_FILES_IN_OWN_FOLDER.get(dataset, ())):
            yield folder / name
    for name in _TELLING_FILES[dataset]:
        yield root / name


def _first(*candidates: Path) -> Path | None:
    return next((path for path in candidates if os.path.isfile(path)), None)  # noqa: PTH113 - as above


def _keras_datasets() -> Path | None:
    """Where Keras keeps datasets, by the rule of keras/src/backend/config.py; None without a home directory."""
    if given := os.environ.get("KERAS_HOME"):
        return Path(given, "datasets")
    home = home_directory()
    return home / ".keras" / "datasets" if home else None
