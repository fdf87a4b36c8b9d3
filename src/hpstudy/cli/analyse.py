"""`hpstudy analyse`: error bars for results of any tool."""

from __future__ import annotations

import click

from hpstudy import api
from hpstudy.cli.options import where_options


@click.command("analyse", epilog="Example: hpstudy analyse results.csv --value val_accuracy --by optimizer,lr")
@click.argument("source", metavar="SOURCE")
@click.option("--value", required=True, metavar="COLUMN", help="The score of a run.")
@click.option("--by", required=True, metavar="COLUMNS", help="What makes a configuration, separated by commas.")
@click.option("--replicate", default="seed", show_default=True, metavar="COLUMN", help="Runs of one seed are compared.")
@click.option("--minimize", is_flag=True, help="A lower score is better.")
@click.option("--practical", type=float, metavar="X", help="The difference that matters [0.005, or 1 % of the best].")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@where_options
def analyse_command(
    where: api.Where,
    source: str,
    value: str,
    by: str,
    replicate: str,
    minimize: bool,
    practical: float | None,
    form: str,
) -> None:
    """Rank the results of any tool: what may be the best, what is as good, what is ruled out.

    SOURCE is a CSV or Parquet file with a row for each run, or mlflow:NAME for an experiment. Nothing is trained.
    """
    names = [name.strip() for name in by.split(",")]
    found = api.analyse(
        source, value=value, by=names, replicate=replicate, minimize=minimize, practical=practical, **where
    )
    if form == "csv":
        click.echo(found.table.to_csv(index=False), nl=False)
    elif form == "json":
        click.echo(found.table.to_json(orient="records"))
    else:
        from hpstudy.api import tables

        console = tables.console()
        tables.print_findings(console, found.findings)
        title = f"{len(found.table)} configurations, best first"
        console.print(tables.make_table(title, list(found.table.columns), found.table.to_numpy(object).tolist()))
