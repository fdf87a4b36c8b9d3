"""`hpstudy ls`, `status`, `delete` and `sync`: commands for whole studies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from hpstudy import api
from hpstudy.cli.options import json_option, study_argument, where_options

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hpstudy.storage import Progress


@click.command("ls", epilog="Example: hpstudy ls")
@where_options
@json_option
def ls_command(where: api.Where, as_json: bool) -> None:
    """List the studies of this database."""
    from hpstudy.api import tables

    results = api.studies(**where)
    if as_json:
        click.echo(json.dumps([_status(result, result.progress()) for result in results]))
        return
    if not results:
        click.echo("No study yet. `hpstudy init NAME` writes a study file, `hpstudy run NAME.py` runs it.")
        return
    columns = ("study", "dataset", "design", "state", "trials", "best")
    tables.console().print(tables.make_table(None, columns, map(_row, results)))


def _row(result: api.Result) -> tuple[object, ...]:
    study, progress, front = result.study, result.progress(), result.front()
    value = f"{front[0].value:.4f}" if front else None
    ended = f"{progress.ended} of {progress.budget}"
    return study.name, str(study.dataset), type(study.design).__name__.lower(), str(progress.state), ended, value


@click.command("status", epilog="Example: hpstudy status optimizers --watch")
@study_argument
@click.option("--watch", is_flag=True, help="Show it again and again until the study is finished or Ctrl-C.")
@where_options
@json_option
def status_command(where: api.Where, name: str, watch: bool, as_json: bool) -> None:
    """Show how far a study is, and its best trial so far."""
    with api.open(name, **where) as result:
        for progress in result.watch() if watch else [result.progress()]:
            status = _status(result, progress)
            if as_json:
                click.echo(json.dumps(status))
                continue
            if watch:
                click.clear()
            _print_status(result, status)


def _status(result: api.Result, progress: Progress) -> dict[str, Any]:
    from hpstudy.api.rows import status_json

    return status_json(result.study, progress, result.front())


def _print_status(result: api.Result, status: dict[str, Any]) -> None:
    from hpstudy.api import tables

    tables.console().print(_status_table(result, status))


def _status_table(result: api.Result, status: dict[str, Any]) -> RenderableType:
    from hpstudy.api import tables
    from hpstudy.api.rows import CONSTANT, constant_scores

    best, objective = status["best"], result.study.objectives[0].metric
    constant = constant_scores(result.study, result.baselines()).get(objective)
    rows = [
        ("state", status["state"]),
        ("budget", status["budget"]),
        *([("at most", status["most"])] if status["most"] > status["budget"] else []),
        *([("ended early", status["ended_early"])] if status["ended_early"] else []),
        *status["trials"].items(),
        *([("diverged", f"{status['diverged']} of the complete ones")] if status["diverged"] else []),
        ("best", f"{objective} {best['value']:.4f}, trial {best['trial']}" if best else None),
        ("levels", tables.params_text(result.study, best["params"]) if best else None),
        (CONSTANT, None if constant is None or not best else f"{objective} {constant:.4f}"),
    ]
    return tables.make_table(result.name, ("", ""), rows)


@click.command("delete", epilog="Example: hpstudy delete optimizers-quick --yes")
@study_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@where_options
def delete_command(where: api.Where, name: str, yes: bool) -> None:
    """Delete a study: its trials in the database, its run directories, its experiment in MLflow.

    MLflow keeps the experiment under another name until its own `mlflow gc` removes it. An experiment that others
    use, too, stays; only this study's runs in it are deleted.
    """
    with api.open(name, **where) as result:
        progress = result.progress()
        if not yes and not progress.running:  # deleting a running study is refused anyway
            click.confirm(f"Delete study {name!r} with its {progress.ended} recorded trials?", abort=True)
        result.delete()
    click.echo(f"Deleted study {name}.")


@click.command("sync", epilog="Example: hpstudy sync optimizers")
@study_argument
@where_options
def sync_command(where: api.Where, name: str) -> None:
    """Make MLflow equal to the database: one run per trial, with the same status, parameters and metrics.

    If the study has begun, the report is sent, too, and the evaluated model if its networks are on this machine.
    """
    with api.open(name, **where) as result:
        summary = result.sync()
    click.echo(
        f"{result.tracker} equals the database: {summary.created} runs created, {summary.updated} updated, "
        f"{summary.unchanged} unchanged."
    )
