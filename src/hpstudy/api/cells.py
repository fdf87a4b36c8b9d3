"""The cells of a grid so far, as a table of the live picture."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from rich.table import Table

from hpstudy.api import tables
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.designs import Grid
from hpstudy.study.spec import Study
from hpstudy.worker.messages import Claimed, Ended, Message

MOST_LINES = 35  # of the whole picture


class CellsSoFar:
    """Collects the scores of a grid's cells.

    Args:
        records: The trials of earlier runs.
    """

    def __init__(self, study: Study, records: Iterable[TrialRecord]) -> None:
        self._study = study
        self._levels: dict[int, str] = {}  # by trial in training
        self._values: dict[str, list[float]] = {}  # by the levels of the cell
        for record in records:
            if record.state == TrialState.COMPLETE and record.value is not None:
                self._values.setdefault(tables.params_text(study, record.params), []).append(record.value)

    def hear(self, message: Message) -> None:
        match message:
            case Claimed():
                self._levels[message.trial] = tables.params_text(self._study, message.params)
            case Ended():
                levels = self._levels.pop(message.trial, None)
                if message.state == "complete" and message.value is not None and levels is not None:
                    self._values.setdefault(levels, []).append(message.value)

    def table(self, other_lines: int) -> Table | None:
        """The cells with a score, the best first; None if this is no grid or none has one.

        Args:
            other_lines: Lines of the picture that are taken.
        """
        if not isinstance(self._study.design, Grid) or not self._values:
            return None
        objective = self._study.objectives[0]
        ranked = sorted(self._values.items(), key=lambda item: -objective.score(fmean(item[1])))
        room = max(3, MOST_LINES - other_lines - 2)  # the heading, and how many more there are
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("so far")
        table.add_column(f"mean {objective.metric}", justify="right")
        table.add_column("replicates", justify="right")
        for levels, values in ranked[:room]:
            done = f"{len(values)} of {self._study.design.most}"
            table.add_row(tables.styled(levels), f"{fmean(values):.4f}", done)
        if len(ranked) > room:
            table.add_row(f"{len(ranked) - room} more, each worse than these", "", "", style="dim")
        return table
