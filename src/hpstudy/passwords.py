"""Where passwords come from, and where they must not be written."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from hpstudy import addresses
from hpstudy.errors import UserError
from hpstudy.folders import exists, expanded

PASSWORD_VARIABLE = "HPSTUDY_PASSWORD"  # of the study database; with _FILE appended, the name of a file that holds it
CONFIG_KEYS = ("home", "storage", "tracking_uri", "data_dir", "cache_dir", "password", "password_file")
_OTHERS = 0o077  # permission bits of group and world


def read_config(file: Path | None) -> dict[str, str]:
    """The settings in a configuration file; empty if there is no file.

    Raises:
        UserError: others can read it, it is not TOML, or it has a key that hpstudy does not know.
    """
    if file is None or not exists(file):
        return {}
    _check_private(file)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"The configuration {file} cannot be read: {error}.") from None
    for key, value in values.items():
        if key not in CONFIG_KEYS or not isinstance(value, str):
            raise UserError(f"{file}: {key!r} is not a setting. Known settings, each a text: {', '.join(CONFIG_KEYS)}.")
    return values


def find_password(environ: Mapping[str, str], config: Mapping[str, str]) -> str | None:
    """The study database's password: from the environment, the configuration, or a file that one of them names.

    Raises:
        UserError: the file cannot be read, or others can read it too.
    """
    if password := environ.get(PASSWORD_VARIABLE):
        return password
    if file := environ.get(f"{PASSWORD_VARIABLE}_FILE"):
        return _read_secret(expanded(file, f"{PASSWORD_VARIABLE}_FILE"))
    if password := config.get("password"):
        return password
    if file := config.get("password_file"):
        return _read_secret(expanded(file, "password_file"))
    return None


def check_argument(flag: str, address: str | None) -> None:
    """Refuse a password in an argument: everybody on this machine can see it with `ps`.

    Raises:
        UserError: the address has a password in it.
    """
    if address is not None and addresses.passwords(address):
        raise UserError(
            f"{flag} has a password in it, which everybody on this machine can see with `ps`. Give the whole address "
            f"in the environment, or leave out the password and set {PASSWORD_VARIABLE} or "
            f"{PASSWORD_VARIABLE}_FILE (for the tracker: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD)."
        )


def _read_secret(file: Path) -> str:
    _check_private(file)
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The password file {file} cannot be read: {error}.") from None


def _check_private(file: Path) -> None:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.") from None
    if mode & _OTHERS:
        raise UserError(f"Others can read {file}, which holds secrets. `chmod 600 {file}` keeps it yours.")
