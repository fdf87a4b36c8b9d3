"""Folders of the user, who may not have a home directory: a container may run as an unknown user id; whole files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from hpstudy.errors import UserError

LENT = ("HOME", "MPLCONFIGDIR")  # variables that `lend_home` sets


def expanded(path: str, given_by: str) -> Path:
    """An absolute path, with `~` for the home directory.

    Args:
        given_by: The variable or setting to name in an error.

    Raises:
        UserError: there is no such home directory, or no working directory for a relative path.
    """
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        raise UserError(
            f"{given_by} is {path!r}, and this user has no home directory: HOME is not set. Give an absolute path."
        ) from None
    except FileNotFoundError:
        raise UserError(
            f"{given_by} is {path!r}, and the working directory has been deleted. Change to another one."
        ) from None


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, whichever other processes write it.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(file)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def check_name(home: Path) -> None:
    """Raises UserError if this path cannot be written as an address."""
    try:
        str(home).encode()
    except UnicodeEncodeError:
        raise UserError(
            f"The home folder {str(home)!r} has a name that is not UTF-8 text, so no address can name it. "
            "Choose another with --home DIR or HPSTUDY_HOME."
        ) from None


def config_folder() -> Path | None:
    """The folder of the user's configuration; None without a home directory."""
    return _known(lambda: platformdirs.user_config_dir("hpstudy"))


def cache_folder() -> Path | None:
    """The folder of the user's caches; None without a home directory, or if it cannot be created."""
    folder = _known(lambda: platformdirs.user_cache_dir("hpstudy"))
    return folder if folder and (exists(folder) or _may_be_made(folder)) else None


def lend_home(folder: Path) -> None:
    """Give libraries a folder as the home directory if the user has none.

    They ask for one without needing it: some cannot be imported otherwise, and Keras creates a folder called `~`.
    """
    home = home_directory()
    if home is None or not exists(home):
        os.environ["HOME"] = str(folder)
    elif not os.access(home, os.W_OK):
        os.environ.setdefault(
            "MPLCONFIGDIR", str(folder / "matplotlib")
        )  # otherwise matplotlib complains, and builds its cache again each time


def home_directory() -> Path | None:
    """The user's own home directory; None if it is unknown."""
    return _known(lambda: "~")


def exists(path: Path) -> bool:
    """Whether a path exists and is visible. `Path.exists` raises if the home directory belongs to somebody else."""
    return os.path.exists(path)  # noqa: PTH110


def _known(folder: Callable[[], str]) -> Path | None:
    """A folder of platformdirs; None without a home directory, when platformdirs raises or leaves a `~` in the path."""
    try:
        return Path(folder()).expanduser()
    except RuntimeError:
        return None


def _may_be_made(folder: Path) -> bool:
    present = next(parent for parent in folder.parents if exists(parent))
    return os.access(present, os.W_OK | os.X_OK)
