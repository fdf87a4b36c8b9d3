"""The cells and replicates of a grid in the order in which they are taken."""

from __future__ import annotations

import functools
from collections.abc import Set

from hpstudy.spec import Cell, Grid, Study


class CellOrder:
    """All cells once before any is repeated, so that a stopped study is balanced."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._replicates = study.design.replicates if isinstance(study.design, Grid) else 0
        self._place = 0

    @functools.cached_property
    def _cells(self) -> list[Cell]:
        return self._study.cells()

    def first_free(self, taken: Set[tuple[int | None, int]]) -> tuple[Cell, int]:
        """A cell and a replicate that are not taken. What is taken stays so: the search goes on where it ended.

        Raises:
            RuntimeError: all are taken.
        """
        for place in range(self._place, len(self._cells) * self._replicates):
            replicate, index = divmod(place, len(self._cells))
            cell = self._cells[index]
            if (cell.number, replicate) not in taken:
                self._place = place
                return cell, replicate
        raise RuntimeError(f"A trial of study {self._study.name!r} is left to take, and every cell is taken.")
