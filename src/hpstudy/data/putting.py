"""Files that appear whole in hpstudy's cache."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from hpstudy.errors import StorageError


def put(kept: Path, write: Callable[[Path], object], *, again: bool = False) -> None:
    """Write a file that appears whole, by a rename, also if several processes write it.

    Args:
        write: Is given the path to which it writes.
        again: Whether a file that is there already is replaced.

    Raises:
        StorageError: it cannot be written.
    """
    if kept.is_file() and not again:
        return
    temporary = None
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(dir=kept.parent))
        write(temporary / kept.name)
        (temporary / kept.name).replace(kept)
    except OSError as error:
        raise StorageError(f"{kept.name} cannot be kept in {kept.parent}: {error.strerror}. Free some space.") from None
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
