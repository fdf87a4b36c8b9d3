"""`hpstudy doctor`: check a set-up before it causes trouble."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from hpstudy.cli.options import json_option, settings_options
from hpstudy.cli.terminal import echo
from hpstudy.settings import Settings

_MARKS = {"good": ("✓", "green"), "warning": ("!", "yellow"), "broken": ("✗", "red")}


@click.command("doctor", epilog="Example: hpstudy doctor --processes 16")
@click.option(
    "--processes", type=click.IntRange(1), default=8, show_default=True, help="Planned number on all machines together."
)
@settings_options
@json_option
@click.pass_context
def doctor_command(ctx: click.Context, /, settings: Settings, processes: int, as_json: bool) -> None:
    """Check database, MLflow, GPUs, datasets and disk, and say how to fix what is wrong. Exit code 1 if broken."""
    from hpstudy.doctor import examine
    from hpstudy.health import Health

    found = []
    with _progress() as checking:
        for one in examine(settings, processes=processes, checking=checking):
            found.append(one)
            if not as_json:
                mark, colour = _MARKS[one.level]
                echo(f"{mark} {one.what}", fg=colour)
                if one.fix and one.level != Health.GOOD:
                    echo(f"  {one.fix}")
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found]))
    ctx.exit(int(any(one.level == Health.BROKEN for one in found)))


@contextmanager
def _progress() -> Iterator[Callable[[str], object]]:
    """On a terminal a line says what is checked; it is gone at the end."""
    from hpstudy.api.tables import console

    screen = console(stderr=True)
    if not screen.is_terminal:
        yield lambda what: None
        return
    with screen.status("", spinner="line") as status:
        yield lambda what: status.update(f"Checking {what} …")
