"""`hpstudy show`, `best` and `export`: the trials of a study."""

from __future__ import annotations

import csv
import json
import sys

import click

from hpstudy.cli.options import json_option, open_study, settings_options, study_argument
from hpstudy.errors import NotFoundError
from hpstudy.settings import Settings


@click.command("show", epilog="Example: hpstudy show optimizers 17")
@study_argument
@click.argument("trial", type=int)
@settings_options
@json_option
def show_command(settings: Settings, name: str, trial: int, as_json: bool) -> None:
    """Show one TRIAL: its levels, metrics and epochs, or why it failed."""
    from hpstudy.cli import render

    queue = open_study(settings, name)
    record = queue.record(trial)
    if as_json:
        click.echo(json.dumps({**render.trial_json(record, history=True), "traceback": record.traceback}))
        return
    console = render.console()
    what = {
        "state": f"{record.state}, attempt {record.attempt}" if record.attempt > 1 else str(record.state),
        "repeats trial": record.retry_of,
        "levels": render.params_text(record.params),
        "cell, replicate": f"{record.cell}, {record.replicate}" if record.cell is not None else None,
        "seed": record.seed,
        "started": f"{record.started:%Y-%m-%d %H:%M:%S} UTC" if record.started else None,
        "time": render.duration(record.duration_s),
        "trained on": ", ".join(filter(None, (record.host, record.device))) or None,
        "error": record.error,
        **dict(record.metrics),
        **dict(record.facts),
    }
    rows = [(key, value) for key, value in what.items() if value is not None]
    console.print(render.make_table(f"{name}, trial {trial}", ("", ""), rows))
    if record.traceback:
        console.print(record.traceback, style="dim")
    if record.history:
        metrics = list(record.history[0].metrics)
        epochs = [[epoch.number, *(epoch.metrics[metric] for metric in metrics)] for epoch in record.history]
        console.print(render.make_table("Epochs", ("epoch", *metrics), epochs))


@click.command("best", epilog="Example: hpstudy best optimizers --json")
@study_argument
@settings_options
@json_option
def best_command(settings: Settings, name: str, as_json: bool) -> None:
    """Show the best trial of a study, or the Pareto front of several objectives."""
    from hpstudy.cli import render

    queue = open_study(settings, name)
    best = queue.best()
    if not best:
        raise NotFoundError(f"Study {name!r} has no complete trial yet. `hpstudy status {name}` tells how far it is.")
    if as_json:
        front = [{**render.best_json(record), "values": list(record.values or ())} for record in best]
        click.echo(json.dumps(front[0] if len(queue.study.objectives) == 1 else front))
        return
    objectives = [objective.metric for objective in queue.study.objectives]
    rows = [
        (record.number, *(f"{value:.4f}" for value in record.values or ()), render.params_text(record.params))
        for record in best
    ]
    title = f"Best trial of {name}" if len(objectives) == 1 else f"Pareto front of {name}"
    render.console().print(render.make_table(title, ("trial", *objectives, "levels"), rows))


@click.command("export", epilog="Example: hpstudy export optimizers --format csv > optimizers.csv")
@study_argument
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True)
@settings_options
def export_command(settings: Settings, name: str, form: str) -> None:
    """Print every trial of a study, one row each; JSON has the whole training history."""
    from hpstudy.cli import render

    queue = open_study(settings, name)
    records = queue.records()
    if form == "json":
        click.echo(json.dumps([render.trial_json(record, history=True) for record in records], ensure_ascii=False))
        return
    rows = [render.trial_json(record, history=False) for record in records]
    columns = [column for column in render.EXPORT_COLUMNS if column not in ("params", "metrics", "history", "values")]
    factors = list(queue.study.vary)
    metrics = list(dict.fromkeys(metric for record in records for metric in record.metrics))
    writer = csv.writer(sys.stdout)
    writer.writerow([*columns, *(f"params.{factor}" for factor in factors), *(f"metrics.{name}" for name in metrics)])
    for row in rows:
        writer.writerow(
            [
                *(row[column] for column in columns),
                *(row["params"].get(factor) for factor in factors),
                *(row["metrics"].get(metric) for metric in metrics),
            ]
        )
