"""The cells and replicates of a grid in the order in which they are taken."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Set

from hpstudy.study import factors
from hpstudy.study.designs import Cell, Grid
from hpstudy.study.spec import Study


class CellOrder:
    """Every cell comes once before any is repeated, so that a stopped study is balanced.

    Within a pass, this process first takes cells of a structure that it has had before, whose compiled epoch is ready;
    then cells of a structure that nobody has begun; then the rest. So processes share the structures out among them
    instead of each compiling all of them.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._replicates = study.design.replicates if isinstance(study.design, Grid) else 0
        self._replicate = 0
        self._had: set[Hashable] = set()  # structures of the cells that this process has taken

    @functools.cached_property
    def _cells(self) -> list[tuple[Cell, Hashable]]:
        """The cells with their structures."""
        own = bool(self.study.network_digest)
        configs = ((cell, self.study.config(cell.params)) for cell in self.study.cells())
        return [(cell, factors.structure(config, own_network=own)) for cell, config in configs]

    def first_free(self, taken: Set[tuple[int | None, int]]) -> tuple[Cell, int]:
        """A cell and a replicate that are not taken. Taken cells stay taken: the search resumes where it ended.

        Raises:
            RuntimeError: all cells are taken.
        """
        while self._replicate < self._replicates:
            free = [pair for pair in self._cells if (pair[0].number, self._replicate) not in taken]
            if free:
                begun = {key for cell, key in self._cells if (cell.number, self._replicate) in taken}
                cell, key = min(free, key=lambda pair: (pair[1] not in self._had, pair[1] in begun))
                self._had.add(key)
                return cell, self._replicate
            self._replicate += 1
        raise RuntimeError(f"A trial of study {self.study.name!r} is left to take, but every cell is taken.")
