"""`hpstudy show`, `best` and `export`: the trials of a study."""

from __future__ import annotations

import csv
import json
import sys

import click

from hpstudy import api
from hpstudy.cli.options import json_option, study_argument, where_options
from hpstudy.errors import NotFoundError


@click.command("show", epilog="Example: hpstudy show optimizers 17")
@study_argument
@click.argument("trial", type=int)
@where_options
@json_option
def show_command(where: api.Where, name: str, trial: int, as_json: bool) -> None:
    """Show one TRIAL: its levels, metrics and epochs, or why it failed."""
    from hpstudy.api import rows, tables

    with api.open(name, **where) as result:
        record, study = result.trial(trial), result.study
        constant = rows.constant_scores(study, result.baselines())
    if as_json:
        click.echo(json.dumps({**rows.trial_json(record, history=True), "traceback": record.traceback}))
        return
    console = tables.console()
    what = {
        "state": f"{record.state}, attempt {record.attempt}" if record.attempt > 1 else str(record.state),
        "retry of trial": record.retry_of,
        "repeats trial": record.repeats,
        "confirms trial": record.confirms,
        "diverged in epoch": record.diverged,
        "levels": tables.params_text(study, record.params),
        "cell, replicate": f"{record.cell}, {record.replicate}" if record.cell is not None else None,
        "seed": record.seed,
        "started": f"{record.started:%Y-%m-%d %H:%M:%S} UTC" if record.started else None,
        "time": tables.duration(record.duration_s),
        "trained on" if record.repeats is None else "recorded on": ", ".join(filter(None, (record.host, record.device)))
        or None,
        "error": record.error,
        **dict(record.metrics),
        **dict(record.provenance),
    }
    told = [(key, value, constant.get(key, "")) for key, value in what.items() if value is not None]
    console.print(tables.make_table(f"{name}, trial {trial}", ("", "", rows.CONSTANT), told))
    if record.traceback:
        console.print(record.traceback, style="dim")
    if record.history:
        metrics = list(record.history[0].metrics)
        epochs = [[epoch.number, *(epoch.metrics[metric] for metric in metrics)] for epoch in record.history]
        console.print(tables.make_table("Epochs", ("epoch", *metrics), epochs))


@click.command("best", epilog="Example: hpstudy best optimizers --json")
@study_argument
@where_options
@json_option
def best_command(where: api.Where, name: str, as_json: bool) -> None:
    """Show the best trial of a study, or the Pareto front of several objectives."""
    from hpstudy.api import rows, tables

    with api.open(name, **where) as result:
        best, study = result.front(), result.study
        constant = rows.constant_scores(study, result.baselines())
    if not best:
        raise NotFoundError(f"Study {name!r} has no complete trial yet. `hpstudy status {name}` shows how far it is.")
    if as_json:
        front = [{**rows.best_json(record), "values": list(record.values or ())} for record in best]
        click.echo(json.dumps(front[0] if len(study.objectives) == 1 else front))
        return
    objectives = [objective.metric for objective in study.objectives]
    texts = study.texts_beside(record.params for record in best)
    lines = [
        (
            record.number,
            *(f"{value:.4f}" for value in record.values or ()),
            texts.describe(record.params) or tables.NOTHING_VARIES,
        )
        for record in best
    ]
    if any(metric in constant for metric in objectives):
        shown = (f"{constant[metric]:.4f}" if metric in constant else None for metric in objectives)
        lines.append((None, *shown, rows.CONSTANT))
    title = f"Best trial of {name}" if len(objectives) == 1 else f"Pareto front of {name}"
    if study.design.has_cells and len(objectives) == 1 and study.design.most > 1:
        title = f"Best configuration of {name}, by its best trial"
    tables.console().print(tables.make_table(title, ("trial", *objectives, "levels"), lines))


@click.command("export", epilog="Example: hpstudy export optimizers --format csv > optimizers.csv")
@study_argument
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True)
@where_options
def export_command(where: api.Where, name: str, form: str) -> None:
    """Print every trial of a study, one row each; JSON has the whole training history."""
    from hpstudy.api import rows

    with api.open(name, **where) as result:
        records, study = result.records(), result.study
    if form == "json":
        click.echo(json.dumps([rows.trial_json(record, history=True) for record in records], ensure_ascii=False))
        return
    columns, table = rows.export_table(study, records, write=study.texts.full)
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows(table)
