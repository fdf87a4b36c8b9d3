"""`hpstudy reproduce`: train a trial again and see whether it comes out the same."""

from __future__ import annotations

import json
import math
from pathlib import Path

import click

from hpstudy import api
from hpstudy.cli.options import json_option, study_argument, where_options
from hpstudy.cli.terminal import echo


@click.command("reproduce", epilog="Example: hpstudy reproduce optimizers 17")
@study_argument
@click.argument("trial", type=int)
@click.option(
    "--file",
    "study_file",
    metavar="STUDY.py",
    type=click.Path(path_type=Path),
    help="Needed if the study builds its own network.",
)
@where_options
@json_option
@click.pass_context
def reproduce_command(
    ctx: click.Context, /, where: api.Where, name: str, trial: int, study_file: Path | None, as_json: bool
) -> None:
    """Train TRIAL again from its seed and compare every metric of every epoch. Exit code 1 if any differs.

    On the same kind of CPU with the same versions the numbers are the same to the last bit.
    """
    from hpstudy.api import tables

    with api.open(name, **where) as result:
        record = result.trial(trial)
        found = result.reproduce(trial, file=study_file)
    if as_json:
        rows = [{name: _finite(value) for name, value in vars(one).items()} for one in found.comparisons]
        click.echo(
            json.dumps({"same": found.is_same, "metrics": rows, "changed": found.circumstances, "error": found.error})
        )
        ctx.exit(0 if found.is_same else 1)
    values = [
        (
            one.metric,
            _exact(one.recorded),
            _exact(one.again),
            "same" if one.is_same else f"differs by {one.largest:.3g}",
        )
        for one in found.comparisons
    ]
    console = tables.console()
    console.print(
        tables.make_table(f"{name}, trial {trial}, trained again", ("metric", "recorded", "again", ""), values)
    )
    for circumstance in found.circumstances:
        echo(f"Changed since: {circumstance}")
    if found.error:
        echo(f"It failed this time: {found.error}" if not record.error else f"It fails again: {found.error}")
    recorded, again = found.diverged
    if recorded != again:
        echo(f"It diverged {_when(recorded)} then, {_when(again)} this time.")
    elif again is not None:
        click.echo(f"It diverges again in epoch {again}.")
    epochs = len(record.history)
    if found.is_same:
        click.echo(f"The same to the last bit in {epochs} epoch{'' if epochs == 1 else 's'}.")
    else:
        first = min((one.differs_from_epoch for one in found.comparisons if one.differs_from_epoch), default=epochs)
        click.echo(f"Not the same: the first difference is in epoch {first} of {epochs}.")
    ctx.exit(0 if found.is_same else 1)


def _when(epoch: int | None) -> str:
    return "in no epoch" if epoch is None else f"in epoch {epoch}"


def _finite(value: object) -> object:
    """None for a number that is not finite, because JSON cannot write it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _exact(value: float | None) -> str | None:
    return None if value is None else repr(float(value))
