"""Passwords stay here: what is shown or sent elsewhere passes through `Secrets.hide`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from hpstudy.settings import Settings

_HIDDEN = "***"
_VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_QUERY_KEYS = ("password", "passwd", "pwd", "token", "sslpassword")


@dataclass(frozen=True)
class Secrets:
    """The texts that must not leave this process."""

    texts: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str] | None = None) -> Secrets:
        """The passwords in both addresses, and those that MLflow takes from the environment."""
        environ = os.environ if environ is None else environ
        found = {environ.get(variable, "") for variable in _VARIABLES}
        for address in (settings.tracking_uri, settings.storage):
            found.update(_passwords(address))
        return cls(tuple(sorted(found - {""}, key=len, reverse=True)))

    def hide(self, text: str) -> str:
        """The same text with each password replaced."""
        for secret in self.texts:
            text = text.replace(secret, _HIDDEN)
        return text


def credentials(address: str) -> tuple[str, str] | None:
    """User and password in an address, decoded; None if there is no password."""
    parts = urlsplit(address)
    if parts.password is None:
        return None
    return unquote(parts.username or ""), unquote(parts.password)


def without_credentials(address: str) -> str:
    """The address as it may be shown: without user, password and query."""
    scheme, separator, rest = address.partition("?")[0].partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _passwords(address: str) -> Iterator[str]:
    """Each password as it is written in the address and as it is meant."""
    parts = urlsplit(address)
    written = [parts.password or ""]
    written += [value for key, value in parse_qsl(parts.query) if key.lower() in _QUERY_KEYS]
    written += [
        pair.partition("=")[2] for pair in parts.query.split("&") if pair.partition("=")[0].lower() in _QUERY_KEYS
    ]
    for text in written:
        yield from (text, unquote(text))
