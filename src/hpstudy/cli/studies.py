"""`hpstudy ls`, `status`, `delete` and `sync`: studies as a whole."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import click

from hpstudy.cli.options import json_option, open_store, open_study, settings_options, study_argument
from hpstudy.cli.terminal import echo
from hpstudy.errors import HpstudyError, UserError
from hpstudy.settings import Settings

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hpstudy.storage import StudyQueue

WATCH_S = 2.0  # between two looks of `status --watch`


@click.command("ls", epilog="Example: hpstudy ls")
@settings_options
@json_option
def ls_command(settings: Settings, as_json: bool) -> None:
    """List the studies of this database."""
    from hpstudy.cli import render

    store = open_store(settings)
    queues = [_looked_after(store.open(name)) for name in store.names()]
    if as_json:
        click.echo(json.dumps([_status(queue) for queue in queues]))
        return
    if not queues:
        click.echo("No study yet. `hpstudy init NAME` writes a study file, `hpstudy run NAME.py` runs it.")
        return
    rows = []
    for queue in queues:
        progress, best = queue.progress(), queue.best()
        design = type(queue.study.design).__name__.lower()
        value = f"{best[0].value:.4f}" if best else None
        ended = f"{progress.ended} of {progress.budget}"
        rows.append((queue.study.name, queue.study.dataset, design, str(progress.state), ended, value))
    columns = ("study", "dataset", "design", "state", "trials", "best")
    render.console().print(render.make_table(None, columns, rows))


@click.command("status", epilog="Example: hpstudy status optimizers --watch")
@study_argument
@click.option("--watch", is_flag=True, help="Show it again and again until the study is finished or Ctrl-C.")
@settings_options
@json_option
def status_command(settings: Settings, name: str, watch: bool, as_json: bool) -> None:
    """Show how far a study is, and its best trial so far."""
    from hpstudy.cli import render

    queue = _looked_after(open_study(settings, name))
    if not watch:
        status = _status(queue)
        if as_json:
            click.echo(json.dumps(status))
        else:
            render.console().print(_status_table(queue, status))
        return
    while True:
        status = _status(queue)
        if as_json:
            click.echo(json.dumps(status))
        else:
            click.clear()
            render.console().print(_status_table(queue, status))
        if status["state"] == "finished":
            return
        time.sleep(WATCH_S)


def _status_table(queue: StudyQueue, status: dict[str, Any]) -> RenderableType:
    from hpstudy.cli import render

    best = status["best"]
    objective = queue.study.objectives[0].metric
    rows = [
        ("state", status["state"]),
        ("budget", status["budget"]),
        *status["trials"].items(),
        ("best", f"{objective} {best['value']:.4f}, trial {best['trial']}" if best else None),
        ("levels", render.params_text(best["params"]) if best else None),
    ]
    return render.make_table(queue.study.name, ("", ""), rows)


@click.command("delete", epilog="Example: hpstudy delete optimizers-quick --yes")
@study_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@settings_options
def delete_command(settings: Settings, name: str, yes: bool) -> None:
    """Delete a study: its trials in the database, its run directories, its experiment in MLflow.

    MLflow keeps the experiment under another name until its own `mlflow gc` removes it. An experiment that others
    use, too, stays as it is; of its runs this study's are deleted.
    """
    queue = _looked_after(open_study(settings, name))
    progress = queue.progress()
    if progress.running:
        raise UserError(
            f"Study {name!r} is running: {progress.running} trials are in training. Stop them first with Ctrl-C."
        )
    if not yes:
        click.confirm(f"Delete study {name!r} with its {progress.ended} recorded trials?", abort=True)
    delete_study(settings, queue)
    click.echo(f"Deleted study {name}.")


def delete_study(settings: Settings, queue: StudyQueue) -> None:
    """The database first: it is the truth; what remains elsewhere is only a copy."""
    from hpstudy.mirror import Mirror

    identity, records = queue.identity(), queue.records()
    open_store(settings).delete(queue.study.name)
    shutil.rmtree(settings.runs_dir / queue.study.name, ignore_errors=True)
    try:
        if stays := Mirror(settings, queue.study, identity=lambda: identity).forget(records):
            click.echo(stays)
    except HpstudyError as error:
        echo(f"The copy in MLflow could not be deleted: {error}", fg="yellow", err=True)


@click.command("sync", epilog="Example: hpstudy sync optimizers")
@study_argument
@settings_options
def sync_command(settings: Settings, name: str) -> None:
    """Make MLflow equal to the database: one run a trial, the same status, parameters and metrics.

    Of a study that has begun it also sends the report, and the evaluated model where its networks lie on this machine.
    """
    from hpstudy.mirror import Mirror
    from hpstudy.packaging import package
    from hpstudy.report.build import build_report
    from hpstudy.worker.mirroring import records_with_journals

    queue = open_study(settings, name)
    queue.reconcile()
    records = records_with_journals(settings, queue)
    mirror = Mirror(settings, queue.study, identity=queue.identity)
    summary = mirror.sync(records, state=str(queue.progress().state), complete=True)
    if queue.progress().ended:
        package(settings, queue, mirror, build_report(queue.study, queue.records(), evaluation=queue.evaluation()))
    click.echo(
        f"MLflow equals the database: {summary.created} runs created, {summary.updated} updated, "
        f"{summary.unchanged} unchanged."
    )
    if mirror.sharing:
        click.echo(mirror.sharing)


def _looked_after(queue: StudyQueue) -> StudyQueue:
    """What seems to be running may be dead, and whoever looks next mends that."""
    if queue.progress().running:
        queue.reconcile()
    return queue


def _status(queue: StudyQueue) -> dict[str, Any]:
    from hpstudy.cli import render

    return render.status_json(queue.study, queue.progress(), queue.best())
