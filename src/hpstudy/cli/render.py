"""Studies and trials as tables of the terminal and as JSON."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpstudy.factors import describe, level_text
from hpstudy.plain import one_line, printable
from hpstudy.records import TrialRecord, TrialState
from hpstudy.report import texts
from hpstudy.spec import Objective, Study

if TYPE_CHECKING:
    from hpstudy.storage import Progress

EXPORT_COLUMNS = (
    "number",
    "state",
    "params",
    "replicate",
    "cell",
    "attempt",
    "retry_of",
    "seed",
    "value",
    "values",
    "metrics",
    "history",
    "started",
    "duration_s",
    "host",
    "device",
    "error",
)
TOP = 10  # trials in the result table of a search
duration = texts.duration


WIDE = 160  # columns where the output is no terminal


class PlainConsole(Console):
    """Prints text as it is: square brackets are no markup, a name between colons no emoji, an escape no order."""

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)


def console() -> Console:
    """As wide as the terminal; wide enough for every table where there is none."""
    console = PlainConsole()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE
    return console


def make_table(title: str | None, columns: Sequence[str], values: Iterable[Sequence[object]]) -> RenderableType:
    """A table under its title, whose columns of numbers are flush right."""
    rows = [[_cell(value) for value in row] for row in values]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=any(columns))
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[number]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return Group(styled(title, "bold"), table) if title else table  # a table's own title is no wider than the table


def styled(text: str, style: str = "") -> Text:
    """Text in one style, for what a console does not make of a string itself."""
    return Text(printable(text), style)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    is_count = isinstance(value, float) and value.is_integer() and abs(value) >= 10_000
    return f"{value:,.0f}" if is_count else level_text(value)


def _is_number(text: str) -> bool:
    try:
        float(text.replace("–", "0").replace(",", "").split(" ")[0])
    except ValueError:
        return False
    return True


def status_json(study: Study, progress: Progress, best: Sequence[TrialRecord]) -> dict[str, Any]:
    return {
        "study": study.name,
        "state": str(progress.state),
        "budget": progress.budget,
        "trials": {
            "complete": progress.complete,
            "pruned": progress.pruned,
            "failed": progress.failed,
            "running": progress.running,
            "waiting": progress.waiting,
            "lost": progress.lost,
        },
        "best": best_json(best[0]) if best else None,
    }


def best_json(record: TrialRecord) -> dict[str, Any]:
    return {"trial": record.number, "value": record.value, "params": dict(record.params)}


def trial_json(record: TrialRecord, *, history: bool) -> dict[str, Any]:
    """One row of `export`. A number that is not finite becomes null, as JSON has no word for it."""
    row = {
        "number": record.number,
        "state": str(record.state),
        "params": dict(record.params),
        "replicate": record.replicate,
        "cell": record.cell,
        "attempt": record.attempt,
        "retry_of": record.retry_of,
        "seed": record.seed,
        "value": record.value,
        "values": list(record.values) if record.values else None,
        "metrics": finite(record.metrics),
        "history": [finite(epoch.to_json()) for epoch in record.history],
        "started": record.started.isoformat() if record.started else None,
        "duration_s": record.duration_s,
        "host": record.host,
        "device": record.device,
        "error": record.error,
    }
    return {column: row[column] for column in EXPORT_COLUMNS if history or column != "history"}


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def result_table(study: Study, records: Sequence[TrialRecord]) -> RenderableType:
    """Cells of a grid with mean and spread over replicates, best first; or the best trials of a search."""
    objectives = study.objectives
    done = [record for record in records if record.state == TrialState.COMPLETE]
    if done and done[0].cell is not None:
        return _grid_table(study, done)
    front = sorted(done, key=lambda record: _rank(objectives[0], record.value))[:TOP]
    columns = ["trial", *(objective.metric for objective in objectives), "time", "levels"]
    rows = [
        [
            record.number,
            *(f"{value:.4f}" for value in record.values or ()),
            duration(record.duration_s),
            params_text(record.params),
        ]
        for record in front
    ]
    return make_table(f"Best {len(front)} of {len(done)} complete trials", columns, rows)


def _grid_table(study: Study, done: Sequence[TrialRecord]) -> RenderableType:
    objective = study.objectives[0]
    cells: dict[int, list[TrialRecord]] = {}
    for record in done:
        cells.setdefault(record.cell or 0, []).append(record)
    means = {cell: _mean([record.value or 0.0 for record in members]) for cell, members in cells.items()}
    rows = []
    for cell in sorted(cells, key=lambda cell: _rank(objective, means[cell])):
        members = cells[cell]
        values = [record.value or 0.0 for record in members]
        params = [members[0].params.get(name) for name in study.vary]
        time_s = _mean([record.duration_s or 0.0 for record in members])
        rows.append([*params, f"{means[cell]:.4f}", _spread(values), len(values), duration(time_s)])
    columns = [*study.vary, objective.metric, "± sd", "replicates", "time"]
    return make_table(f"{len(cells)} cells, best first; means over replicates", columns, rows)


def _spread(values: Sequence[float]) -> str | None:
    """The standard deviation over replicates; one value has none."""
    if len(values) < 2:
        return None
    mean = _mean(values)
    return f"{math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1)):.4f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rank(objective: Objective, value: float | None) -> float:
    if value is None:
        return math.inf
    return -value if objective.maximizes else value


def params_text(params: Mapping[str, Any]) -> str:
    return one_line(describe(params)) or "no factor varies"
