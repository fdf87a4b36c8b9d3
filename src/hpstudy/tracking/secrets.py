"""Passwords stay in this process: what is shown or sent elsewhere passes through `Secrets.hide` first."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from hpstudy import addresses
from hpstudy.settings import Settings

_HIDDEN = "***"
_VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


@dataclass(frozen=True)
class Secrets:
    """The texts that must not leave this process."""

    texts: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str] | None = None) -> Secrets:
        """The passwords in both addresses, and those that MLflow reads from the environment."""
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


def _passwords(address: str) -> Iterator[str]:
    """Each password in plain text, as it is written in the address, and as libraries write it."""
    for password in addresses.passwords(address):
        yield from (password, quote(password, safe=""), quote(password, safe=" +"), quote_plus(password))
    yield from addresses.written_passwords(address)
