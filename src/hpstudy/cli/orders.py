"""`hpstudy stop`, `resume`, `retry` and `extend`: what can be asked of a study while workers serve it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from hpstudy.cli.options import json_option, open_study, settings_options, study_argument
from hpstudy.errors import UserError
from hpstudy.settings import Settings

if TYPE_CHECKING:
    from hpstudy.storage import StudyQueue


@click.command("stop", epilog="Example: hpstudy stop search")
@study_argument
@settings_options
@json_option
def stop_command(settings: Settings, name: str, as_json: bool) -> None:
    """Let no worker take another trial of a study. Trials in training go on to their end."""
    queue = open_study(settings, name)
    queue.stop()
    running = queue.progress().running
    going_on = f"; {running} trials in training go on to their end" if running else ""
    _say(queue, f"Study {name} is stopped{going_on}. `hpstudy resume {name}` goes on.", as_json)


@click.command("resume", epilog="Example: hpstudy resume search")
@study_argument
@settings_options
@json_option
def resume_command(settings: Settings, name: str, as_json: bool) -> None:
    """Let workers take trials of a stopped study again."""
    queue = open_study(settings, name)
    queue.resume()
    _say(queue, f"Workers take trials of study {name} again; {queue.progress().waiting} are waiting.", as_json)


@click.command("retry", epilog="Example: hpstudy retry search --failed")
@study_argument
@click.option("--failed", is_flag=True, help="Every trial that has failed so far.")
@settings_options
@json_option
def retry_command(settings: Settings, name: str, failed: bool, as_json: bool) -> None:
    """Try failed trials again, each as a new trial that names it. Their errors stay on record."""
    if not failed:
        raise UserError(f"Say which trials: `hpstudy retry {name} --failed` tries every failed trial again.")
    queue = open_study(settings, name)
    numbers = queue.retry_failed()
    if not numbers:
        sentence = f"No trial of study {name} has failed; none is tried again."
    elif len(numbers) == 1:
        sentence = "1 failed trial waits for a worker."
    else:
        sentence = f"{len(numbers)} failed trials wait for a worker."
    _say(queue, sentence, as_json)


@click.command("extend", epilog="Example: hpstudy extend search --trials 200")
@study_argument
@click.option("--trials", type=click.IntRange(1), help="The whole new budget of a Search.")
@click.option("--replicates", type=click.IntRange(1), help="All replicates of a Grid.")
@settings_options
@json_option
def extend_command(settings: Settings, name: str, trials: int | None, replicates: int | None, as_json: bool) -> None:
    """Give a study a larger budget. Living workers take it up; a finished study goes on."""
    from hpstudy.study.overrides import override

    if trials is None and replicates is None:
        raise UserError("Say how far: --trials N for a Search, --replicates N for a Grid; N is the whole new number.")
    queue = open_study(settings, name)
    queue.extend(override(queue.study, trials=trials, replicates=replicates))
    progress = queue.progress()
    _say(queue, f"Study {name} now asks for {progress.budget} trials; {progress.waiting} are waiting.", as_json)


def _say(queue: StudyQueue, sentence: str, as_json: bool) -> None:
    from hpstudy.cli import render

    if as_json:
        click.echo(json.dumps(render.status_json(queue.study, queue.progress(), queue.best())))
    else:
        click.echo(sentence)
