"""`hpstudy report` and `hpstudy compare`: what studies found, in the terminal and as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpstudy import api
from hpstudy.cli.options import json_option, language_option, study_argument, where_options
from hpstudy.cli.terminal import echo
from hpstudy.errors import HpstudyError

if TYPE_CHECKING:
    from hpstudy.report.render.files import Format


@click.command("report", epilog="Example: hpstudy report optimizers --baseline sgd")
@study_argument
@click.option("--format", "form", type=click.Choice(["html", "md", "json"]), help="Write or print only this format.")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where report.html and report.md are written [default: reports/NAME in the home folder].",
)
@click.option(
    "--figures",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write every figure as an SVG file into this folder, for slides.",
)
@language_option
@click.option("--baseline", multiple=True, metavar="LEVEL", help="Compare with this level instead of the best one.")
@where_options
def report_command(
    where: api.Where,
    name: str,
    form: Format | None,
    output: Path | None,
    figures: Path | None,
    language: str,
    baseline: tuple[str, ...],
) -> None:
    """Show what a study found, with error bars: findings and tables here, figures in report.html.

    The report, its figures and its findings are also logged to the study's run in MLflow. With --format, only that
    format is written, or printed if it is md or json without -o. A study in progress is reported as it stands.
    """
    from hpstudy.api import tables
    from hpstudy.report.languages import speaking
    from hpstudy.report.render.files import render, write_figures, write_report

    with api.open(name, **where) as result, speaking(language):
        report = result.report(baseline=baseline, figures=bool(figures) or form in (None, "html"))
        if figures:
            written = write_figures(report, figures)
            click.echo(f"Written: {len(written)} figures in {figures}", err=True)
        if form in ("md", "json") and output is None:
            click.echo(render(report, form), nl=False)
            return
        if form is None:
            tables.print_report(tables.console(), report)
        folder = output or api.settings_of(where).reports_dir / name
        for path in write_report(report, folder, (form,) if form else ("html", "md")):
            click.echo(f"Written: {path}")
        if form is None:
            try:
                result.publish(report)
            except HpstudyError as error:  # the report itself needs no tracker
                echo(f"The report is not in {result.tracker}: {error}", fg="yellow", err=True)


@click.command("compare", epilog="Example: hpstudy compare optimizers dropout")
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@where_options
@json_option
def compare_command(where: api.Where, names: tuple[str, ...], as_json: bool) -> None:
    """Put two or more studies on the same dataset side by side, each with its best configuration."""
    from hpstudy.api import tables

    found = api.compare(names, **where)
    if as_json:
        click.echo(json.dumps(found.table.to_json() if found.table else []))
        return
    for name in found.without:
        click.echo(f"{name} has no complete trial yet.")
    if found.table:
        tables.print_table(tables.console(), found.table)
