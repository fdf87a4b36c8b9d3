"""`hpstudy report`: what a study found, in the terminal and as files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpstudy.cli.options import json_option, open_store, open_study, settings_options, study_argument
from hpstudy.cli.terminal import echo
from hpstudy.errors import HpstudyError, UserError
from hpstudy.settings import Settings

MLFLOW_PATIENCE_S = 3  # a person waits for the report

if TYPE_CHECKING:
    from rich.console import Console

    from hpstudy.report.document import Report, Section, Table
    from hpstudy.storage import StudyQueue


@click.command("report", epilog="Example: hpstudy report optimizers --baseline sgd")
@study_argument
@click.option("--format", "form", type=click.Choice(["html", "md", "json"]), help="Write or print this one only.")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where report.html and report.md are written [default: reports/NAME in the home folder].",
)
@click.option("--baseline", multiple=True, metavar="LEVEL", help="Compare with this level instead of the best one.")
@settings_options
def report_command(
    settings: Settings, name: str, form: str | None, output: Path | None, baseline: tuple[str, ...]
) -> None:
    """Show what a study found, with error bars: findings and tables here, figures in report.html.

    The report, its figures and its findings also go onto the study's run in MLflow, but for --format: then only that
    form is written, or printed if it is md or json without -o. A study that still runs is reported as far as it is.
    """
    from hpstudy.cli import render
    from hpstudy.report.build import build_report
    from hpstudy.report.files import render as written
    from hpstudy.report.files import write_report

    queue = open_study(settings, name)
    is_printed = form in ("md", "json") and output is None
    report = build_report(
        queue.study,
        queue.records(),
        baseline=baseline,
        evaluation=queue.evaluation(),
        figures=form in (None, "html"),
    )
    if form and is_printed:
        click.echo(written(report, form), nl=False)
        return
    folder = output or settings.home / "reports" / name
    if form is None:
        print_report(render.console(), report)
    for path in write_report(report, folder, (form,) if form else ("html", "md")):
        click.echo(f"Written: {path}")
    if form is None:
        _to_mlflow(settings, queue, report)


def _to_mlflow(settings: Settings, queue: StudyQueue, report: Report) -> None:
    """Onto the study's run. Without MLflow a report is a report, so this is told and that is all."""
    if settings.uses_embedded_store and not (settings.home / "mlflow.db").exists():
        return  # nothing of this database was mirrored yet; `hpstudy sync` does that
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(MLFLOW_PATIENCE_S))
    from hpstudy.mirror import Mirror
    from hpstudy.packaging import log_report

    try:
        log_report(Mirror(settings, queue.study, identity=queue.identity), report)
    except HpstudyError as error:
        echo(f"The report is not in MLflow: {error}", fg="yellow", err=True)


def print_short(console: Console, report: Report) -> None:
    """The findings, as a run ends with them."""
    console.print("\nFindings", style="bold")
    print_findings(console, report.findings)
    console.print(f"More, with figures: hpstudy report {report.study}\n")


def print_report(console: Console, report: Report) -> None:
    """Findings and the tables that fit a terminal."""
    console.print(f"\n{report.title}", style="bold")
    console.print(f"{report.status}\n")
    print_findings(console, report.findings)
    for section in report.sections:
        print_section(console, section)


def print_section(console: Console, section: Section) -> None:
    for table in section.tables:
        if table.is_short:
            _print_table(console, table)


def print_findings(console: Console, findings: Sequence[str]) -> None:
    from rich.table import Table as RichTable

    bullets = RichTable.grid(padding=(0, 1))
    for finding in findings:
        bullets.add_row(" •", finding)
    console.print(bullets)


def _print_table(console: Console, table: Table) -> None:
    """Without the spare columns where the terminal is narrow."""
    from hpstudy.cli import render

    is_narrow = console.width < render.WIDE
    places = [place for place, column in enumerate(table.columns) if not (is_narrow and column in table.spare)]
    rows = [[None if row[place] is None else str(row[place]) for place in places] for row in table.rows]
    console.print()
    console.print(render.make_table(table.title, [table.columns[place] for place in places], rows))
    if table.caption:
        console.print(table.caption, style="dim")


@click.command("compare", epilog="Example: hpstudy compare optimizers dropout")
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@settings_options
@json_option
def compare_command(settings: Settings, names: tuple[str, ...], as_json: bool) -> None:
    """Put two or more studies on the same dataset side by side, each with its best configuration."""
    from hpstudy.cli import render
    from hpstudy.report.comparison import check_comparable, comparison_table, entrant

    if len(set(names)) < 2:
        raise UserError("Give at least two studies to compare, such as `hpstudy compare optimizers dropout`.")
    store = open_store(settings)
    queues = [store.open(name) for name in dict.fromkeys(names)]
    check_comparable([queue.study for queue in queues])
    found = {queue.study.name: entrant(queue.study, queue.records()) for queue in queues}
    known = [one for one in found.values() if one]
    if as_json:
        click.echo(json.dumps(comparison_table(known).to_json() if known else []))
        return
    for name, one in found.items():
        if one is None:
            click.echo(f"{name} has no complete trial yet.")
    if known:
        _print_table(render.console(), comparison_table(known))
