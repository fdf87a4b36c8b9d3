"""Addresses of databases and servers: how they are written, and which passwords they contain.

A database's address follows SQLAlchemy's rules, and only SQLAlchemy can read it: a password may contain a slash, the
user may come after the question mark, and the host may be a folder. A server's address is an ordinary URL.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from hpstudy.errors import UserError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_SERVERS = ("http://", "https://")
_FILE = "sqlite:///"
_SECRET_KEYS = ("password", "passwd", "pwd", "sslpassword", "token")  # after the question mark


def of_file(file: Path) -> str:
    """The address of an SQLite file by its absolute path.

    SQLAlchemy reads `%2F` in it as a slash, and everything after a `?` as options. A path that contains these is
    written with every special character encoded, slashes included: a tracker creates the folder that it reads in an
    address, and would create one with the encoded name.

    Raises:
        UserError: this version of SQLAlchemy cannot read the path back.
    """
    plain, coded = f"{_FILE}{file}", f"{_FILE}{quote(str(file), safe='')}"
    if not {"%", "?"} & set(str(file)):
        return plain
    for address in (plain, coded):
        parsed = _parsed(address)
        if parsed and parsed.database == str(file):
            return address
    raise UserError(f"The path {file} cannot be written as a database address. Choose another with --home DIR.")


def is_server(address: str) -> bool:
    """Whether the address is that of an HTTP server, not of a database."""
    return address.lower().startswith(_SERVERS)


def with_password(address: str, password: str | None) -> str:
    """The address of a database with a password, unless it already has one or is a file."""
    if not password:
        return address
    parsed = _parsed(address)
    if parsed is None or parsed.get_backend_name() == "sqlite" or passwords(address):
        return address
    if parsed.username:
        return parsed.set(password=password).render_as_string(hide_password=False)
    return parsed.update_query_dict({"password": password}).render_as_string(hide_password=False)


def passwords(address: str) -> list[str]:
    """Every password in an address, decoded."""
    if is_server(address):
        parts = _split(address)
        found = [unquote(parts[0] or ""), *(value for key, value in parse_qsl(parts[1]) if _is_secret(key))]
    elif parsed := _parsed(address):
        found = [parsed.password or ""]
        for key, values in parsed.normalized_query.items():
            found += values if _is_secret(key) else ()
    else:
        found = []
    return [text for text in found if text]


def written_passwords(address: str) -> list[str]:
    """The passwords in an address, encoded as they are there."""
    keys = "|".join(_SECRET_KEYS)
    return re.findall(r"://[^:/@]*:([^@]*)@", address) + re.findall(rf"[?&](?:{keys})=([^&]*)", address, re.IGNORECASE)


def login(address: str) -> tuple[str, str] | None:
    """The user and password in the address of a server, decoded; None if there is no password."""
    parts = urlsplit(address)
    if parts.password is None:
        return None
    return unquote(parts.username or ""), unquote(parts.password)


def without_credentials(address: str) -> str:
    """The address as it may be shown: without user, password and query; the path of a file stays as it is."""
    if address.startswith(_FILE):
        parsed = _parsed(address)
        return f"{_FILE}{parsed.database}" if parsed else _FILE
    scheme, separator, rest = address.partition("?")[0].partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _is_secret(key: str) -> bool:
    return key.lower() in _SECRET_KEYS


def _split(address: str) -> tuple[str | None, str]:
    """Password and query of a URL, still encoded; neither if it is not a URL."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None, ""
    return parts.password, parts.query


def _parsed(address: str) -> URL | None:
    """The address as SQLAlchemy reads it; None if SQLAlchemy does not know such addresses."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(address)
    except (ArgumentError, ValueError):
        return None
