"""Studies, trials and reports as tables in the terminal."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpstudy.analysis.best import counted
from hpstudy.plain import one_line, printable
from hpstudy.records import TrialRecord, TrialState
from hpstudy.report import texts
from hpstudy.report.languages import say, word
from hpstudy.study.factors import level_text
from hpstudy.study.objective import Objective
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    from hpstudy.report import document
    from hpstudy.worker.messages import Ended

NOTHING_VARIES = "no factor varies"
TOP = 10  # trials in the result table of a search
_MOST_CELLS = 25  # rows in the result table of a grid
WIDE = 160  # columns where the output is not a terminal
duration = texts.duration


class PlainConsole(Console):
    """Prints text as it is: markup, emoji codes and control sequences are not interpreted."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, stderr=stderr, force_jupyter=False)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, or wide enough for every table where there is no terminal."""
    console = PlainConsole(stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE
    return console


def make_table(title: str | None, columns: Sequence[str], values: Iterable[Sequence[object]]) -> RenderableType:
    """A table under its title, with numeric columns flush right."""
    rows = [[_cell(value) for value in row] for row in values]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=any(columns))
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[number]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return Group(styled(title, "bold"), table) if title else table  # a table's own title is no wider than the table


def styled(text: str, style: str = "") -> Text:
    """Text in one style, for places where rich would read a plain string as markup."""
    return Text(printable(text), style)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    is_count = isinstance(value, float) and value.is_integer() and abs(value) >= 10_000
    return f"{value:,.0f}" if is_count else level_text(value)


def _is_number(text: str) -> bool:
    try:
        float(
            text.removeprefix("< ").replace("–", "0").replace("…", "0").replace("−", "-").replace(",", "").split(" ")[0]
        )
    except ValueError:
        return False
    return True


def result_table(study: Study, records: Sequence[TrialRecord]) -> RenderableType:
    """The cells of a grid or a Compare with mean and spread over replicates, best first; or the best trained trials of
    a search.
    """
    objectives = study.objectives
    done = [record for record in counted(records) if record.state == TrialState.COMPLETE]
    if confirmed := [record for record in done if record.role == "confirmation"]:
        done = confirmed
    if confirmed or (done and done[0].cell is not None):
        return _grid_table(study, done)
    trained = [record for record in done if record.repeats is None]
    front = sorted(trained, key=lambda record: _rank(objectives[0], record.value))[:TOP]
    written = study.texts_beside(record.params for record in front)
    columns = ["trial", *(objective.metric for objective in objectives), "time", "levels"]
    rows = [
        [
            record.number,
            *(f"{value:.4f}" for value in record.values or ()),
            duration(record.duration_s),
            written.describe(record.params) or NOTHING_VARIES,
        ]
        for record in front
    ]
    repeats = f", without {len(done) - len(trained)} that repeat them" if len(trained) < len(done) else ""
    return make_table(f"Best {len(front)} of {len(done)} complete trials{repeats}", columns, rows)


def _grid_table(study: Study, done: Sequence[TrialRecord]) -> RenderableType:
    objective = study.objectives[0]
    cells: dict[int | None, list[TrialRecord]] = {}
    for record in done:
        cells.setdefault(record.cell if study.design.has_cells else record.confirms, []).append(record)
    means = {cell: _mean([record.value or 0.0 for record in members]) for cell, members in cells.items()}
    rows = []
    for cell in sorted(cells, key=lambda cell: _rank(objective, means[cell])):
        members = cells[cell]
        values = [record.value or 0.0 for record in members]
        params = study.texts.row(study.vary, members[0].params)
        time_s = _mean([record.duration_s or 0.0 for record in members])
        rows.append([*params, f"{means[cell]:.4f}", _spread(values), len(values), duration(time_s)])
    columns = [*study.vary, objective.metric, "± sd", "replicates", "time"]
    what = "cells" if study.design.has_cells else "finalists"
    left_out = ""
    if len(rows) > _MOST_CELLS:  # with the findings, they fit a screen of 40 lines
        left_out = f", {len(rows) - _MOST_CELLS + 1} in the middle left out"
        rows = [*rows[: _MOST_CELLS - 2], ["…"] * len(columns), rows[-1]]
    return make_table(f"{len(cells)} {what}, best first{left_out}; means over replicates", columns, rows)


def _spread(values: Sequence[float]) -> str | None:
    """The standard deviation over replicates; None for a single value."""
    if len(values) < 2:
        return None
    mean = _mean(values)
    return f"{math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1)):.4f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rank(objective: Objective, value: float | None) -> float:
    if value is None:
        return math.inf
    return -objective.score(value)


def params_text(study: Study, params: Mapping[str, Any]) -> str:
    return one_line(study.texts.describe(params)) or NOTHING_VARIES


def outcome(message: Ended) -> str:
    """The value or the error of an ended trial, to be appended to its name."""
    value = f": {message.value:.4f}" if message.value is not None else ""
    return value + (f": {message.error}" if message.error else "")


def print_short(console: Console, report: document.Document) -> None:
    """Print the findings, as at the end of a run."""
    console.print(f"\n{word('Findings', report.language)}", style="bold")
    print_findings(console, report.findings)
    console.print(f"{word('More:', report.language)} hpstudy report {report.study}\n")


def print_report(console: Console, report: document.Document) -> None:
    """Print the findings and the tables that fit a terminal."""
    console.print(f"\n{report.title}", style="bold")
    console.print(f"{report.status}\n")
    print_findings(console, report.findings)
    for section in report.sections:
        print_section(console, section)
    if report.details:
        console.print(f"\n{word('In detail', report.language)}", style="bold")
        print_findings(console, report.details)


def print_section(console: Console, section: document.Section) -> None:
    for table in section.tables:
        if table.is_short:
            print_table(console, table)


def print_findings(console: Console, findings: Sequence[str]) -> None:
    bullets = Table.grid(padding=(0, 1))
    for finding in findings:
        bullets.add_row(" •", finding)
    console.print(bullets)


def print_table(console: Console, table: document.Table) -> None:
    """Print a table; a narrow terminal leaves out its spare columns."""
    is_narrow = console.width < WIDE
    places = [place for place, column in enumerate(table.columns) if not (is_narrow and column in table.spare)]
    rows = [[None if row[place] is None else str(row[place]) for place in places] for row in table.rows]
    left_out = len(rows) - table.most_short
    console.print()
    console.print(make_table(table.title, [table.columns[place] for place in places], rows[: table.most_short]))
    if left_out > 0:
        console.print(
            say("{number} more rows, of lower rank, are in the report's page.", number=left_out), style="yellow"
        )
    if table.caption:
        console.print(table.caption, style="dim")
