"""Where the files of a dataset may be, and which place has them now. No file is opened here."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from hpstudy.data.registry import Registry
from hpstudy.folders import home_directory
from hpstudy.settings import Settings
from hpstudy.study.catalog import Files
from hpstudy.study.factors import dataset_info
from hpstudy.study.own import Own


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a dataset was found."""

    dataset: str | Own
    files: tuple[
        Path, ...
    ]  # four idx files (images and labels, training before test), two (training, test), one or none
    place: str  # in words: "HPSTUDY_DATA_DIR", "hpstudy's cache", "downloaded", …

    def labels_file(self, *, test: bool = False) -> PurePath:
        """The file that holds the labels, for messages: of a user's own the one that is declared, not the kept copy."""
        if isinstance(self.dataset, Own):
            return PurePath(self.dataset.files[-1 if test else 0])
        pairs = len(self.files) // 2  # of training and test: none, one or two
        return self.files[2 * pairs - 1 if test else max(pairs - 1, 0)]

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """Path, size in bytes and modification time (ns) of each file: different values mean different data.

        Raises:
            OSError: a file has disappeared since it was found.
        """
        stats = [(str(path), path.stat()) for path in self.files]
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One folder in which datasets are looked for."""

    title: str
    root: Path | None  # None: the place does not exist in this set-up

    def find(self, files: Files) -> tuple[Path, ...]:
        """The files of a dataset in this place; empty if it has none or only some of them."""
        if self.root is None:
            return ()
        for folder in _own_folders(files, self.root):
            found = [path for part in files.parts if (path := _part(folder, part))]
            if found:
                return tuple(found) if len(found) == len(files.parts) else ()
        single = _first(*_single_files(files, self.root))
        return (single,) if single else ()

    def explain(self, dataset: str, files: Files) -> str:
        """Why `find` found nothing."""
        if self.root is None:
            return f"{self.title}: not set"
        if not os.path.isdir(self.root):  # noqa: PTH112 - `Path.is_dir` raises in a folder that may not be entered
            return f"{self.title}: {self.root} is not a folder here"
        for folder in _own_folders(files, self.root):
            lacks = [part for part in files.parts if not _part(folder, part)]
            if 0 < len(lacks) < len(files.parts):
                return f"{self.title}: {folder} lacks {', '.join(f'{part}.gz' for part in lacks)}"
        return f"{self.title}: {self.root} has no {dataset}"


def datasets_dir(settings: Settings) -> Path:
    """The folder in hpstudy's cache into which datasets are downloaded."""
    return settings.cache_dir / "datasets"


def places(files: Files, settings: Settings, registry: Registry) -> Iterator[Place]:
    """Every place to look for such files, in order of precedence."""
    yield Place(title="HPSTUDY_DATA_DIR", root=settings.data_dir)
    yield Place(title="hpstudy's cache", root=datasets_dir(settings))
    for folder in registry.system_dirs:
        yield Place(title="system package", root=folder)
    if files.is_in_keras_cache:
        yield Place(title="Keras's cache", root=_keras_datasets())


def built_in(dataset: str) -> Source:
    """The source of a dataset that needs no files from the user."""
    files: tuple[Path, ...] = ()
    if packaged := dataset_info(dataset).packaged:
        package, file = packaged
        # `find_spec` does not import the module: a trainer process needs no scikit-learn.
        spec = importlib.util.find_spec(package)
        roots = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
        files = tuple(path for root in roots if (path := Path(root) / file).is_file())
    return Source(dataset=dataset, files=files, place="built in")


def _own_folders(files: Files, root: Path) -> Iterator[Path]:
    """The folders below `root` that have the dataset's name, and `root` itself if it has it."""
    for name in files.folders:
        if root.parts[-name.count("/") - 1 :] == tuple(name.split("/")):
            yield root
        yield root / name


def _part(folder: Path, name: str) -> Path | None:
    return _first(folder / f"{name}.gz", folder / name)


def _single_files(files: Files, root: Path) -> Iterator[Path]:
    for folder in _own_folders(files, root):
        for name in (*files.names, *files.names_in_folders):
            yield folder / name
    for name in files.names:
        yield root / name


def _first(*candidates: Path) -> Path | None:
    return next((path for path in candidates if os.path.isfile(path)), None)  # noqa: PTH113 - as above


def _keras_datasets() -> Path | None:
    """Where Keras keeps datasets, by the rule of keras/src/backend/config.py; None without a home directory."""
    if given := os.environ.get("KERAS_HOME"):
        return Path(given, "datasets")
    home = home_directory()
    return home / ".keras" / "datasets" if home else None
