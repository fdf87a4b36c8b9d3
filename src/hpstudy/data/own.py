"""The file of a user's own table: found, and kept by its content, so that every process trains on the same rows."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from tempfile import mkdtemp

from hpstudy.data.places import Source, datasets_dir
from hpstudy.errors import NotFoundError, StorageError, UserError
from hpstudy.settings import Settings
from hpstudy.study.catalog import TEST_SHARE
from hpstudy.study.table import Content, Table

_DIRECTORY = "own"  # below the folder of datasets


def resolved(table: Table, settings: Settings) -> Table:
    """The declaration with what the file holds now.

    Raises:
        NotFoundError: there is no such file; the message says where it was looked for.
        DatasetError: the file cannot be used; the message says why.
    """
    from hpstudy.data.kinds.columns import classes_of, read_own

    path = _found(table, settings)
    if path is None:
        raise _not_found(table, settings)
    digest = _digest(path)
    file, labels = read_own(path, table)
    classes = classes_of(path, table, labels)
    content = Content(digest=digest, classes=classes, rows=len(file) - ceil(TEST_SHARE * len(file)))
    _keep(path, digest, table, settings)
    return dataclasses.replace(table, content=content)


def locate_own(table: Table, settings: Settings) -> Source | None:
    """Where the recorded content is now; None if no such file is on this machine.

    Raises:
        UserError: a file of that name has another content.
    """
    assert table.content, "a study is run with the content of its file"
    kept = _kept(table.content.digest, table, settings)
    if not kept.is_file():
        path = _found(table, settings)
        if path is None:
            return None
        if (came := _digest(path)) != table.content.digest:
            raise UserError(
                f"{path} is not the file that the study was begun with: its SHA-256 begins with {came[:12]}, that of "
                f"the study's with {table.content.digest[:12]}. Copy the file from the machine that submitted it."
            )
        _keep(path, table.content.digest, table, settings)
    return Source(dataset=table, files=(kept,), place="hpstudy's cache")


def fetch_own(table: Table, settings: Settings) -> Source:
    """As `locate_own`. Raises NotFoundError if no such file is on this machine."""
    found = locate_own(table, settings)
    if found is None:
        raise _not_found(table, settings)
    return found


def _candidates(table: Table, settings: Settings) -> Iterator[Path]:
    """Every place to look for the file, in order of precedence."""
    yield (table.folder or Path.cwd()) / table.file
    if settings.data_dir:
        yield settings.data_dir / table.file
        yield settings.data_dir / Path(table.file).name


def _found(table: Table, settings: Settings) -> Path | None:
    return next((path for path in _candidates(table, settings) if path.is_file()), None)


def _not_found(table: Table, settings: Settings) -> NotFoundError:
    tried = "".join(f"\n  - {path}" for path in dict.fromkeys(_candidates(table, settings)))
    return NotFoundError(
        f"The table {table.file} is not on this machine. Tried:{tried}\n"
        f"Copy it to one of these places, or set HPSTUDY_DATA_DIR to the folder that has it."
    )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Grant read permission.") from None


def _kept(digest: str, table: Table, settings: Settings) -> Path:
    return datasets_dir(settings) / _DIRECTORY / digest[:16] / Path(table.file).name


def _keep(path: Path, digest: str, table: Table, settings: Settings) -> None:
    """Copy the file into hpstudy's cache. It appears whole, by a rename, also if several processes copy it."""
    kept = _kept(digest, table, settings)
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
