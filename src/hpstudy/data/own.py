"""The files of a user's own dataset: found, and kept by their content, so that every process has the same rows."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TypeVar
from urllib.parse import urlsplit

from hpstudy.data.own_remote import brought
from hpstudy.data.places import Source, datasets_dir
from hpstudy.data.putting import put
from hpstudy.errors import DatasetError, NotFoundError, UserError
from hpstudy.settings import Settings
from hpstudy.study.arrays import Images
from hpstudy.study.own import Own, is_remote
from hpstudy.study.table import Table
from hpstudy.study.task import Task

Declared = TypeVar("Declared", bound=Own)

_DIRECTORY = "own"  # below the folder of datasets


def resolved(own: Declared, settings: Settings) -> Declared:
    """The declaration with what its files hold now.

    Raises:
        UserError: there is no such file; the message says where it was looked for.
        DatasetError: a file cannot be used; the message says why.
    """
    from hpstudy.data.own_contents import content_of

    if own.loads:
        digest = _loaded(own, settings)
        content = content_of(own, (_kept(digest, own.path, own, settings),), (digest,))
        return dataclasses.replace(own, content=content)
    paths = tuple(_present(file, own, settings) for file in own.files)
    digests = tuple(_digest(path, own) for path in paths)
    found = list(zip(paths, digests, own.files, strict=True))
    if isinstance(own, Images):  # pictures are looked at once, and from then on their pixels
        kept = tuple(_keep(*one, own, settings) for one in found)
        return dataclasses.replace(own, content=content_of(own, kept, digests))
    content = content_of(own, paths, digests)  # before they are kept, because they may be refused
    for one in found:
        _keep(*one, own, settings)
    return dataclasses.replace(own, content=content)


def first_look(table: Table, settings: Settings) -> tuple[Table, int]:
    """The table with the task that its target suggests, and how many rows have no target. Raises as `resolved`."""
    from hpstudy.data.kinds.columns import MISSING, texts_of
    from hpstudy.data.own_rows import are_quantities, read_rows

    rows = read_rows(_present(table.file, table, settings), table, MISSING, texts_of)
    task: Task = "regression" if are_quantities(rows.labels) else "classification"
    return dataclasses.replace(table, task=task), rows.unlabelled


def locate_own(own: Own, settings: Settings) -> Source | None:
    """Where the recorded content is now; None if a file is not on this machine.

    Raises:
        DatasetError: a file of that name has another content.
    """
    found = [_located(file, digest, own, settings) for file, digest in _recorded(own)]
    files = tuple(path for path in found if path)
    return Source(dataset=own, files=files, place="hpstudy's cache") if len(files) == len(found) else None


def fetch_own(own: Own, settings: Settings) -> Source:
    """As `locate_own`. Raises NotFoundError if a file is not on this machine."""
    found = locate_own(own, settings)
    if found is None:
        lacking = next(file for file, digest in _recorded(own) if _located(file, digest, own, settings) is None)
        raise _not_found(lacking, own, settings)
    return found


def _recorded(own: Own) -> list[tuple[str, str]]:
    """The files, with the digests that were recorded."""
    assert own.content, "a study is run with the content of its files"
    return list(zip(own.files, (own.content.digest, own.content.test_digest), strict=False))


def _located(file: str, digest: str, own: Own, settings: Settings) -> Path | None:
    kept = _kept(digest, file, own, settings)
    if kept.is_file():
        return kept
    if own.loads:
        if own.loader is None:
            return None
        came, what = _loaded(own, settings), "What load() returns"
    else:
        path = _found(file, own, settings)
        if path is None:
            return None
        came, what = _digest(path, own), str(path)
        if came == digest:
            _keep(path, digest, file, own, settings)
    if came != digest:
        raise DatasetError(
            f"{what} is not what the study was begun with: its SHA-256 begins with {came[:12]}, that of the study's "
            f"with {digest[:12]}. Copy it from the machine that submitted the study."
        )
    return kept


def _loaded(own: Own, settings: Settings) -> str:
    """The digest of what `load` returns, which is kept. It is called once for each version of its file's code."""
    from hpstudy.data import own_loaded

    assert own.loader
    known = datasets_dir(settings) / _DIRECTORY / f"loaded-{own.loader.code[:16]}-{own.name}.json"
    if own.loader.code and known.is_file():
        digest = str(json.loads(known.read_text())["digest"])
        if _kept(digest, own.path, own, settings).is_file():
            return digest
    loaded = own_loaded.load(own, own.loader)
    digest = own_loaded.digest_of(loaded)
    put(_kept(digest, own.path, own, settings), lambda target: own_loaded.write(loaded, target))
    if own.loader.code:
        put(known, lambda target: target.write_text(json.dumps({"digest": digest})), again=True)
    return digest


def _candidates(file: str, own: Own, settings: Settings) -> Iterator[Path]:
    """Every place to look for a file, in order of precedence."""
    if is_remote(file):
        yield brought(file, settings)
        return
    yield (own.folder or Path.cwd()) / file
    if settings.data_dir:
        yield settings.data_dir / file
        yield settings.data_dir / PurePath(file).name


def _found(file: str, own: Own, settings: Settings) -> Path | None:
    takes_folder = isinstance(own, Images) and own.target is None
    return next(
        (path for path in _candidates(file, own, settings) if path.is_file() or (takes_folder and path.is_dir())), None
    )


def _present(file: str, own: Own, settings: Settings) -> Path:
    try:
        path = _found(file, own, settings)
    except NotFoundError as error:
        raise UserError(str(error)) from None
    if path is None:
        raise UserError(str(_not_found(file, own, settings)))
    return path


def _not_found(file: str, own: Own, settings: Settings) -> NotFoundError:
    if own.loads:
        return NotFoundError(
            f"What load() returns as {file} is not on this machine. Give the study file, "
            "which is read on each machine: `hpstudy worker FILE.py`."
        )
    tried = "".join(f"\n  - {path}" for path in dict.fromkeys(_candidates(file, own, settings)))
    what = "folder" if isinstance(own, Images) and own.target is None else "table" if isinstance(own, Table) else "file"
    return NotFoundError(
        f"The {what} {file} is not on this machine. Tried:{tried}\n"
        f"Copy it to one of these places, or set HPSTUDY_DATA_DIR to the folder that has it."
    )


def _digest(path: Path, own: Own) -> str:
    if isinstance(own, Images):
        from hpstudy.data.own_images import digest_of

        return digest_of(own, path)
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Grant read permission.") from None


def _kept(digest: str, file: str, own: Own, settings: Settings) -> Path:
    """Where a file is kept; pictures as arrays of their size and colour."""
    from hpstudy.data.own_loaded import ending

    name = PurePath(urlsplit(file).path if is_remote(file) else file).name
    if own.loads:
        name += ending(own)
    elif isinstance(own, Images):
        name = f"{PurePath(name).stem}-{own.size[0]}x{own.size[1]}-{own.color}.npz"
    return datasets_dir(settings) / _DIRECTORY / digest[:16] / name


def _keep(path: Path, digest: str, file: str, own: Own, settings: Settings) -> Path:
    """Copy the file into hpstudy's cache. Returns where it is there."""

    def write(target: Path) -> None:
        if isinstance(own, Images):
            from hpstudy.data.own_images import write_arrays

            write_arrays(own, path, target)
        else:
            shutil.copyfile(path, target)

    kept = _kept(digest, file, own, settings)
    put(kept, write)
    return kept
