"""`hpstudy stop`, `resume`, `priority`, `retry` and `extend`: instructions for a study while workers serve it."""

from __future__ import annotations

import json
from typing import Any

import click

from hpstudy import api
from hpstudy.cli.options import json_option, study_argument, where_options
from hpstudy.errors import UserError


@click.command("stop", epilog="Example: hpstudy stop search")
@study_argument
@where_options
@json_option
def stop_command(where: api.Where, name: str, as_json: bool) -> None:
    """Let no worker take another trial of a study. Trials in training run to their end."""
    with api.open(name, **where) as result:
        result.stop()
        running = result.progress().running
        rest = f"; {running} trials in training run to their end" if running else ""
        _say(result, f"Study {name} is stopped{rest}. `hpstudy resume {name}` resumes it.", as_json)


@click.command("resume", epilog="Example: hpstudy resume search")
@study_argument
@where_options
@json_option
def resume_command(where: api.Where, name: str, as_json: bool) -> None:
    """Resume a stopped study: workers take its trials again."""
    with api.open(name, **where) as result:
        result.resume()
        waiting = result.progress().waiting
        _say(result, f"Workers take trials of study {name} again; {waiting} are waiting.", as_json)


@click.command(
    "priority",
    epilog="Example: hpstudy priority search 5",
    context_settings={"ignore_unknown_options": True},  # a negative number is no option
)
@study_argument
@click.argument("priority", metavar="N", type=int)
@where_options
@json_option
def priority_command(where: api.Where, name: str, priority: int, as_json: bool) -> None:
    """Let workers take a study's trials before those of studies with a lower priority, which is 0 at first."""
    with api.open(name, **where) as result:
        result.prioritise(priority)
        _say(result, f"Study {name} has priority {priority}; workers heed it from their next trial on.", as_json)


@click.command("retry", epilog="Example: hpstudy retry search --failed")
@study_argument
@click.option("--failed", is_flag=True, help="Try every trial again that has failed so far.")
@where_options
@json_option
def retry_command(where: api.Where, name: str, failed: bool, as_json: bool) -> None:
    """Try failed trials again, each as a new trial that names it. Their errors stay on record."""
    if not failed:
        raise UserError(f"Say which trials: `hpstudy retry {name} --failed` tries every failed trial again.")
    with api.open(name, **where) as result:
        numbers = result.retry_failed()
        if not numbers:
            sentence = f"No trial of study {name} has failed, so none is tried again."
        elif len(numbers) == 1:
            sentence = "1 failed trial waits for a worker."
        else:
            sentence = f"{len(numbers)} failed trials wait for a worker."
        _say(result, sentence, as_json)


class _Replicates(click.IntRange):
    """A number, or the word `adaptive`."""

    def __init__(self) -> None:
        super().__init__(1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "adaptive" else super().convert(value, param, ctx)


@click.command("extend", epilog="Example: hpstudy extend search --trials 200")
@study_argument
@click.option("--trials", type=click.IntRange(1), help="New total budget of a Search.")
@click.option(
    "--replicates",
    type=_Replicates(),
    help="New total number of replicates of a Grid or a Compare, or 'adaptive': more of undecided cells of a Grid.",
)
@where_options
@json_option
def extend_command(where: api.Where, name: str, trials: int | None, replicates: Any, as_json: bool) -> None:
    """Give a study a larger budget. Running workers pick it up; a finished study continues."""
    with api.open(name, **where) as result:
        result.extend(trials=trials, replicates=replicates)
        progress = result.progress()
        _say(result, f"Study {name} now asks for {progress.budget} trials; {progress.waiting} are waiting.", as_json)


def _say(result: api.Result, sentence: str, as_json: bool) -> None:
    from hpstudy.api.rows import status_json

    if as_json:
        click.echo(json.dumps(status_json(result.study, result.progress(), result.front())))
    else:
        click.echo(sentence)
