"""Where passwords come from, and where they must not stand."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from hpstudy import addresses
from hpstudy.errors import UserError
from hpstudy.folders import exists, expanded

PASSWORD_VARIABLE = "HPSTUDY_PASSWORD"  # of the study database; or the name of a file, with _FILE behind it
CONFIG_KEYS = ("home", "storage", "tracking_uri", "data_dir", "cache_dir", "password", "password_file")
_OTHERS = 0o077  # permission bits of group and world


def read_config(file: Path | None) -> dict[str, str]:
    """The settings in a configuration file; none if there is no file.

    Raises:
        UserError: others can read it, it is no TOML, or it has a key that hpstudy does not know.
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
            raise UserError(f"{file}: {key!r} is no setting. Known are, each a text: {', '.join(CONFIG_KEYS)}.")
    return values


def find_password(environ: Mapping[str, str], config: Mapping[str, str]) -> str | None:
    """Of the study database: from the environment, a file that it names, the configuration, or a file named there.

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
    """Refuse a password in an argument: everybody on this machine sees it with `ps`.

    Raises:
        UserError: there is one.
    """
    if address is not None and addresses.passwords(address):
        raise UserError(
            f"{flag} has a password in it, which everybody on this machine can see with `ps`. Give the whole address "
            f"by environment, or leave the password out and give it in {PASSWORD_VARIABLE} or "
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
