"""Terminal output of text that others wrote: levels, error messages of libraries, answers of servers."""

from __future__ import annotations

import click

from hpstudy.plain import printable


def echo(text: str, *, fg: str | None = None, err: bool = False) -> None:
    """Like `click.secho`, but control sequences in the text have no effect."""
    click.secho(printable(text), fg=fg, err=err)
