"""Find, fetch and verify the files of a dataset."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from hpstudy.data.download import Progress, download
from hpstudy.data.integrity import UnavailableError
from hpstudy.data.kind import kind_of
from hpstudy.data.own import fetch_own, locate_own
from hpstudy.data.places import Source, built_in, datasets_dir, places
from hpstudy.data.registry import DEFAULT_REGISTRY, TEMPORARY_PREFIX, Fallback, Registry
from hpstudy.errors import NotFoundError, StorageError
from hpstudy.settings import Settings
from hpstudy.study.catalog import Files
from hpstudy.study.factors import dataset_info
from hpstudy.study.own import Own


def locate(dataset: str | Own, settings: Settings, *, registry: Registry = DEFAULT_REGISTRY) -> Source | None:
    """Where the dataset is now; None if it is not on this machine. Nothing is downloaded or opened.

    Raises:
        UserError: the dataset is unknown.
    """
    if isinstance(dataset, Own):
        return locate_own(dataset, settings)
    files = dataset_info(dataset).files
    if files is None:
        return built_in(dataset)
    for place in places(files, settings, registry):
        if found := place.find(files):
            return Source(dataset=dataset, files=found, place=place.title)
    return None


def fetch(
    dataset: str | Own,
    settings: Settings,
    progress: Progress | None = None,
    *,
    registry: Registry = DEFAULT_REGISTRY,
) -> Source:
    """Find the dataset, or else download it into hpstudy's cache. Safe in several processes at once.

    Args:
        progress: Called with the file's name, the bytes so far and the total bytes (None if unknown).

    Raises:
        NotFoundError: it is not on this machine and cannot be downloaded; the message lists every place that was tried.
        StorageError: the cache cannot be written.
        UserError: the dataset is unknown.
    """
    if isinstance(dataset, Own):
        return fetch_own(dataset, settings)
    found = locate(dataset, settings, registry=registry)
    if found:
        return found
    with _exclusively(dataset, settings):
        found = locate(dataset, settings, registry=registry)  # another process may have been faster
        return found or _bring(dataset, settings, progress, registry)


def verify(dataset: str, settings: Settings, *, registry: Registry = DEFAULT_REGISTRY) -> Source:
    """Read the whole dataset, including the test split, and check everything that can be checked.

    Raises:
        UserError: a file is truncated or wrong, and the message names it; or the dataset is unknown.
        NotFoundError: the dataset is not on this machine.
    """
    source = locate(dataset, settings, registry=registry)
    if source is None:
        tried = _explained(dataset, settings, registry)
        raise _not_found(dataset, tried, f"Get it with `hpstudy data fetch {dataset}`, or put", settings)
    from hpstudy.data.parts import read_test, read_train, split_train

    kind = kind_of(dataset, {})
    split_train(source, read_train(kind, source).labels, seed=0)
    read_test(kind, source)
    return source


def _bring(dataset: str, settings: Settings, progress: Progress | None, registry: Registry) -> Source:
    """Try the upstream address, then every fallback."""
    failures = _explained(dataset, settings, registry)
    try:
        _download(dataset, settings, progress, registry)
        return _downloaded(dataset, settings, registry, "downloaded")
    except UnavailableError as error:
        failures.append(f"download: {error}")
    for fallback in registry.fallbacks.get(dataset, ()):
        try:
            _fall_back(fallback, settings)
            return _downloaded(dataset, settings, registry, f"downloaded, from {fallback.title}")
        except UnavailableError as error:
            failures.append(f"{fallback.title}: {error}")
    raise _not_found(dataset, failures, "Put", settings)


def _download(dataset: str, settings: Settings, progress: Progress | None, registry: Registry) -> None:
    """Download every file. It stops at the first failure, so that an unreachable server costs only one timeout."""
    downloads = registry.downloads.get(dataset, ())
    if not downloads:
        raise UnavailableError("no address is known")
    for one in downloads:
        target = datasets_dir(settings) / one.file
        if not target.exists():
            download(one.address, target, one.checksum, progress=progress, timeout_s=registry.timeout_s)


def _fall_back(fallback: Fallback, settings: Settings) -> None:
    folder = datasets_dir(settings)
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):  # left by a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    fallback.get(folder)


def _downloaded(dataset: str, settings: Settings, registry: Registry, place: str) -> Source:
    found = locate(dataset, settings, registry=registry)
    if found is None:
        raise UnavailableError(f"what was downloaded to {datasets_dir(settings)} is not {dataset}")
    return Source(dataset=dataset, files=found.files, place=place)


@contextmanager
def _exclusively(dataset: str, settings: Settings) -> Iterator[None]:
    """Hold the lock for downloading this dataset. The system releases it when its holder dies."""
    from filelock import FileLock

    folder = datasets_dir(settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{dataset}.lock"):
            yield
    except OSError as error:
        raise StorageError(
            f"The dataset {dataset} cannot be stored in {folder}: {error.strerror or error}. "
            "Free some space or grant write permission there, or set HPSTUDY_CACHE_DIR to another folder."
        ) from None


def _explained(dataset: str, settings: Settings, registry: Registry) -> list[str]:
    files = _files(dataset)
    return [place.explain(dataset, files) for place in places(files, settings, registry)]


def _files(dataset: str) -> Files:
    files = dataset_info(dataset).files
    assert files, "a built-in dataset has no places to look for it"
    return files


def _not_found(dataset: str, tried: list[str], put: str, settings: Settings) -> NotFoundError:
    places_tried = "".join(f"\n  - {line}" for line in tried)
    return NotFoundError(
        f"The dataset {dataset} is not on this machine. Tried:{places_tried}\n"
        f"{put} {_files(dataset).advice} and set HPSTUDY_DATA_DIR=DIR, or take {datasets_dir(settings)} as DIR."
    )
