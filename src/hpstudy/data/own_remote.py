"""Files of a user's own that lie elsewhere: https://, s3:// and whatever else fsspec knows."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from hpstudy.data.places import datasets_dir
from hpstudy.data.putting import put
from hpstudy.errors import NotFoundError, UserError, closed, reason
from hpstudy.settings import Settings

_DIRECTORY = "remote"  # below the folder of datasets


def brought(address: str, settings: Settings) -> Path:
    """A local copy, as it is there now; if it cannot be reached, that of the last time.

    Raises:
        UserError: the package that reads such addresses is missing.
        NotFoundError: it cannot be reached, and was not before.
        StorageError: the cache cannot be written.
    """
    digest = hashlib.sha256(address.encode()).hexdigest()[:16]
    kept = datasets_dir(settings) / _DIRECTORY / digest / Path(urlsplit(address).path or "data").name
    try:
        put(kept, lambda target: _copy(address, target), again=True)
    except _UnreachableError as error:
        if not kept.is_file():
            raise NotFoundError(f"{address} cannot be read: {error} Check the address and the connection.") from None
    return kept


class _UnreachableError(Exception):
    """The other machine did not give the file."""


def _copy(address: str, target: Path) -> None:
    try:
        import fsspec

        system, path = fsspec.url_to_fs(address)  # `fsspec.open` would take "?" and "*" for patterns
        with system.open(path, "rb") as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    except ImportError as error:
        raise UserError(
            f"{address} needs the packages fsspec and, for https://, aiohttp; s3:// needs s3fs: "
            f"pip install fsspec aiohttp ({error}). Or copy the file to this machine."
        ) from None
    except Exception as error:  # each file system has errors of its own
        raise _UnreachableError(closed(reason(_first(error)))) from None


def _first(error: BaseException) -> BaseException:
    """What happened first: fsspec says that a file is not found where a certificate is not trusted."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
