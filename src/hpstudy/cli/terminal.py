"""Lines for the terminal that hold text which others wrote: levels, errors of libraries, answers of servers."""

from __future__ import annotations

import click

from hpstudy.plain import printable


def echo(text: str, *, fg: str | None = None, err: bool = False) -> None:
    """Like `click.secho`, but nothing in the text controls the terminal."""
    click.secho(printable(text), fg=fg, err=err)
