"""Fetching a dataset to this machine, with its progress shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpstudy.settings import Settings
from hpstudy.study.own import Own

if TYPE_CHECKING:
    from hpstudy.api.view import View


def fetch(name: str | Own, settings: Settings, view: View) -> str:
    """Find a dataset or fetch it. Returns where it was found or put. Raises NotFoundError if it cannot be found."""
    from hpstudy import data

    if source := data.locate(name, settings):
        return source.place
    with view.downloading() as download:
        return data.fetch(name, settings, progress=download).place
