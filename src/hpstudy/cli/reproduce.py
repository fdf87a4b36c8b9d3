"""`hpstudy reproduce`: train a trial again and see whether it comes out the same."""

from __future__ import annotations

import math
from pathlib import Path

import click

from hpstudy.cli.options import json_option, open_study, settings_options, study_argument
from hpstudy.cli.terminal import echo
from hpstudy.errors import UserError
from hpstudy.settings import Settings


@click.command("reproduce", epilog="Example: hpstudy reproduce optimizers 17")
@study_argument
@click.argument("trial", type=int)
@click.option("--file", "study_file", metavar="STUDY.py", type=click.Path(path_type=Path), help="For an own network.")
@settings_options
@json_option
@click.pass_context
def reproduce_command(
    ctx: click.Context, /, settings: Settings, name: str, trial: int, study_file: Path | None, as_json: bool
) -> None:
    """Train TRIAL again from its seed and compare every metric of every epoch. Exit code 1 if one differs.

    On the same kind of CPU with the same versions the numbers are the same to the last bit.
    """
    import json

    from hpstudy.cli import render
    from hpstudy.reproduce import reproduce
    from hpstudy.studyfile import load

    queue = open_study(settings, name)
    record = queue.record(trial)
    file = load(study_file) if study_file else None
    if file and file.study.network != queue.study.network:
        raise UserError(f"{study_file} builds another network than the one that study {name!r} was run with.")
    found = reproduce(queue.study, record, settings, file.build if file else None)
    if as_json:
        rows = [{name: _finite(value) for name, value in vars(one).items()} for one in found.comparisons]
        click.echo(json.dumps({"same": found.is_same, "metrics": rows, "changed": found.circumstances}))
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
    console = render.console()
    console.print(
        render.make_table(f"{name}, trial {trial}, trained again", ("metric", "recorded", "again", ""), values)
    )
    for circumstance in found.circumstances:
        echo(f"Changed since: {circumstance}")
    if found.error:
        echo(f"It failed this time: {found.error}" if not record.error else f"It fails again: {found.error}")
    epochs = len(record.history)
    if found.is_same:
        click.echo(f"The same to the last bit in {epochs} epoch{'s' if epochs > 1 else ''}.")
    else:
        first = min((one.differs_from_epoch for one in found.comparisons if one.differs_from_epoch), default=epochs)
        click.echo(f"Not the same: the first difference is in epoch {first} of {epochs}.")
    ctx.exit(0 if found.is_same else 1)


def _finite(value: object) -> object:
    """JSON has no word for numbers that are not finite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _exact(value: float | None) -> str | None:
    return None if value is None else repr(float(value))
