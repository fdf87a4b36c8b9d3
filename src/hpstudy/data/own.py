"""The file of a user's own table: found, and kept by its content, so that every process trains on the same rows."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from tempfile import mkdtemp

from hpstudy.data.places import Source, datasets_dir
from hpstudy.errors import DatasetError, NotFoundError, StorageError, UserError
from hpstudy.settings import Settings
from hpstudy.study.catalog import TEST_SHARE
from hpstudy.study.metrics import DEFAULT_METRIC
from hpstudy.study.objective import metric_for_classes
from hpstudy.study.table import Content, Table

_DIRECTORY = "own"  # below the folder of datasets


def resolved(table: Table, settings: Settings) -> Table:
    """The declaration with what the file holds now.

    Raises:
        UserError: there is no such file; the message says where it was looked for.
        DatasetError: the file cannot be used; the message says why.
    """
    from hpstudy.data.kinds.columns import MISSING, texts_of
    from hpstudy.data.own_rows import classes_of, read_rows, targets_of

    paths = [_present(file, table, settings) for file in table.files]
    digests = [_digest(path) for path in paths]
    rows = read_rows(paths[0], table, MISSING, texts_of)
    predicts_numbers = table.task == "regression"
    classes = () if predicts_numbers else classes_of(paths[0], table, list(rows.labels))
    for path in paths[1:]:
        others = read_rows(path, table, MISSING, texts_of)
        if not predicts_numbers:
            _check_labels(path, list(others.labels), classes, table)
    for path, digest, file in zip(paths, digests, table.files, strict=True):
        _keep(path, digest, file, settings)
    share = 0.0 if isinstance(table.test, str) else table.test or TEST_SHARE
    held_out = ceil(share * len(rows.labels))
    content = Content(
        digest=digests[0],
        classes=classes,
        rows=len(rows.labels) - held_out,
        test_digest=digests[1] if len(digests) > 1 else "",
        targets=targets_of(table.targets, rows.labels) if predicts_numbers else (),
        metric="" if predicts_numbers else _metric(Counter(rows.labels)),
    )
    return dataclasses.replace(table, content=content)


def _metric(rows: Mapping[str, int]) -> str:
    """The objective where a study declares none; "" if it is the usual one."""
    found = metric_for_classes(list(rows.values()))
    return "" if found == DEFAULT_METRIC["classification"] else found


def unlabelled(table: Table, settings: Settings) -> int:
    """How many rows of the file have no label."""
    from hpstudy.data.kinds.columns import MISSING, texts_of
    from hpstudy.data.own_rows import read_rows

    return read_rows(_present(table.file, table, settings), table, MISSING, texts_of).unlabelled


def locate_own(table: Table, settings: Settings) -> Source | None:
    """Where the recorded content is now; None if a file is not on this machine.

    Raises:
        UserError: a file of that name has another content.
    """
    assert table.content, "a study is run with the content of its file"
    digests = (table.content.digest, table.content.test_digest)
    found = [_located(file, digest, table, settings) for file, digest in zip(table.files, digests, strict=False)]
    files = tuple(path for path in found if path)
    return Source(dataset=table, files=files, place="hpstudy's cache") if len(files) == len(found) else None


def _located(file: str, digest: str, table: Table, settings: Settings) -> Path | None:
    kept = _kept(digest, file, settings)
    if not kept.is_file():
        path = _found(file, table, settings)
        if path is None:
            return None
        if (came := _digest(path)) != digest:
            raise UserError(
                f"{path} is not the file that the study was begun with: its SHA-256 begins with {came[:12]}, that of "
                f"the study's with {digest[:12]}. Copy the file from the machine that submitted it."
            )
        _keep(path, digest, file, settings)
    return kept


def _check_labels(path: Path, labels: list[str], classes: tuple[str, ...], table: Table) -> None:
    if unknown := sorted(set(labels) - set(classes)):
        raise DatasetError(
            f"{path} has the label {unknown[0]!r} in column {table.target!r}, which {table.file} has not. Correct it, "
            "or add rows of that class for training."
        )


def fetch_own(table: Table, settings: Settings) -> Source:
    """As `locate_own`. Raises NotFoundError if a file is not on this machine."""
    found = locate_own(table, settings)
    if found is None:
        assert table.content
        digests = (table.content.digest, table.content.test_digest)
        lacking = next(
            file
            for file, digest in zip(table.files, digests, strict=False)
            if _located(file, digest, table, settings) is None
        )
        raise _not_found(lacking, table, settings)
    return found


def _candidates(file: str, table: Table, settings: Settings) -> Iterator[Path]:
    """Every place to look for a file, in order of precedence."""
    yield (table.folder or Path.cwd()) / file
    if settings.data_dir:
        yield settings.data_dir / file
        yield settings.data_dir / Path(file).name


def _found(file: str, table: Table, settings: Settings) -> Path | None:
    return next((path for path in _candidates(file, table, settings) if path.is_file()), None)


def _present(file: str, table: Table, settings: Settings) -> Path:
    path = _found(file, table, settings)
    if path is None:
        raise UserError(str(_not_found(file, table, settings)))
    return path


def _not_found(file: str, table: Table, settings: Settings) -> NotFoundError:
    tried = "".join(f"\n  - {path}" for path in dict.fromkeys(_candidates(file, table, settings)))
    return NotFoundError(
        f"The table {file} is not on this machine. Tried:{tried}\n"
        f"Copy it to one of these places, or set HPSTUDY_DATA_DIR to the folder that has it."
    )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Grant read permission.") from None


def _kept(digest: str, file: str, settings: Settings) -> Path:
    return datasets_dir(settings) / _DIRECTORY / digest[:16] / Path(file).name


def _keep(path: Path, digest: str, file: str, settings: Settings) -> None:
    """Copy the file into hpstudy's cache. It appears whole, by a rename, also if several processes copy it."""
    kept = _kept(digest, file, settings)
    if kept.is_file():
        return
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(dir=kept.parent))
        shutil.copyfile(path, temporary / kept.name)
        (temporary / kept.name).replace(kept)
        temporary.rmdir()
    except OSError as error:
        raise StorageError(f"{path} cannot be copied to {kept.parent}: {error.strerror}. Free some space.") from None
