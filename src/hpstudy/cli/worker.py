"""`hpstudy worker` serves the studies of a shared database; `hpstudy workers` shows which workers are alive."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hpstudy.cli.options import json_option, settings_options

if TYPE_CHECKING:
    from hpstudy.settings import Settings


@click.command("worker", epilog="Example: hpstudy worker search --gpus all --per-gpu 2 --idle-exit 60")
@click.argument("study", metavar="[NAME|FILE.py]", required=False)
@click.option(
    "--processes", type=click.IntRange(1), help="Number of trainer processes [default: one per GPU, or per core]."
)
@click.option("--gpus", default="all", show_default=True, metavar="all|none|0,1", help="Which GPUs to train on.")
@click.option("--per-gpu", type=click.IntRange(1), default=1, show_default=True, help="Processes on each GPU.")
@click.option(
    "--idle-exit",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Exit after this long with nothing to do [default: never].",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="A trial that takes longer ends as failed.",
)
@settings_options
def worker_command(
    settings: Settings,
    study: str | None,
    processes: int | None,
    gpus: str,
    per_gpu: int,
    idle_exit: float | None,
    timeout: float | None,
) -> None:
    """Train trials of every open study, or of one, until stopped by SIGTERM or Ctrl-C.

    For a study that builds its own network, give its file. On SIGTERM the trials in training go back to the
    queue at once, and the worker exits with 0 within ten seconds; a second signal ends it at once.
    """
    from hpstudy.api.notes import Printer
    from hpstudy.api.workers import WorkerOptions, serve

    options = WorkerOptions(
        study=study, processes=processes, gpus=gpus, per_gpu=per_gpu, idle_exit_s=idle_exit, timeout_s=timeout
    )
    serve(settings, options, Printer())


@click.command("workers", epilog="Example: hpstudy workers --json")
@settings_options
@json_option
def workers_command(settings: Settings, as_json: bool) -> None:
    """Show the workers that are alive: where, on which device, and with which trial."""
    from hpstudy.api import tables
    from hpstudy.api.workers import workers

    notices = workers(settings)
    if as_json:
        click.echo(json.dumps([asdict(notice) for notice in notices]))
        return
    if not notices:
        click.echo("No worker is alive. `hpstudy worker` starts one; `hpstudy run STUDY.py` needs none.")
        return
    rows = [
        (notice.host, notice.pid, doing.device, doing.state, doing.study, doing.trial, f"{notice.age_s:.0f} s ago")
        for notice in notices
        for doing in notice.processes
    ]
    columns = ("host", "process", "device", "doing", "study", "trial", "seen")
    tables.console().print(tables.make_table(None, columns, rows))
