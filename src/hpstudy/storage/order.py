"""What a claim takes next, by design: a cell, a proposal of the sampler, or the next step of one of many searches.

Lost trials come before all of it; whoever asks here has none to try again.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, Protocol

from hpstudy.analysis.intake import cells_asked, confirmations, finalists, trials_of_search, tried
from hpstudy.records import TrialRecord
from hpstudy.storage.conversion import Start
from hpstudy.storage.intake import Intake
from hpstudy.storage.ledger import Ledger, Standing
from hpstudy.storage.view import SearchKey
from hpstudy.study import factors
from hpstudy.study.designs import Adaptive, Cell, Compare, Grid, Search
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study


class Planned(NamedTuple):
    """A trial to be created."""

    start: Start
    params: Mapping[str, Level]  # what is decided; the sampler proposes the rest


class Winner(NamedTuple):
    """The trial of a search whose configuration is confirmed."""

    number: int
    params: Mapping[str, Level]


FindWinner = Callable[[SearchKey], Winner]


class Order(Protocol):
    """One design's order. Belongs to one process, which may prefer what it has compiled."""

    study: Study

    def next(self, standing: Standing, ledger: Ledger, intake: Intake) -> Planned | None:
        """Called while trials are left to take. None: they wait for trials that are in training."""


def make_order(study: Study, find_winner: FindWinner) -> Order:
    match study.design:
        case Grid():
            return GridOrder(study)
        case Search() as search:
            return SearchOrder(study, search)
        case Compare(trials=trials):
            return CompareOrder(study, trials, find_winner)


class GridOrder:
    """Every cell comes once before any is repeated, so that a stopped study is balanced.

    Within a pass, this process first takes cells of a structure that it has had before, whose compiled epoch is ready;
    then cells of a structure that nobody has begun; then the rest. So processes share the structures out among them
    instead of each compiling all of them.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._replicate = 0
        self._had: set[Hashable] = set()  # structures of the cells that this process has taken

    def next(self, standing: Standing, ledger: Ledger, intake: Intake) -> Planned | None:
        """Taken cells stay taken: the search resumes where it ended.

        Raises:
            RuntimeError: all cells are taken.
        """
        taken, asked = ledger.begun().taken, self._asked(intake)
        while self._replicate < self.study.design.most:
            free = [pair for pair in self._cells if (pair[0].number, self._replicate) not in taken]
            if asked is not None:
                free = [pair for pair in free if (pair[0].number, self._replicate) in asked]
            if free:
                begun = {key for cell, key in self._cells if (cell.number, self._replicate) in taken}
                cell, key = min(free, key=lambda pair: (pair[1] not in self._had, pair[1] in begun))
                self._had.add(key)
                seed = self.study.seed_of(self._replicate)
                return Planned(Start(cell=cell.number, replicate=self._replicate, seed=seed), cell.params)
            if asked is not None and self._replicate == max(replicate for _, replicate in asked):
                return None  # the results of this round decide who is in the next one
            self._replicate += 1
        raise RuntimeError(f"A trial of study {self.study.name!r} is left to take, but every cell is taken.")

    def _asked(self, intake: Intake) -> set[tuple[int, int]] | None:
        """Which (cell, replicate) are asked for so far; None: all are."""
        if isinstance(self.study.design.replicates, Adaptive):
            return set(cells_asked(self.study, intake.records()))
        return None

    @functools.cached_property
    def _cells(self) -> list[tuple[Cell, Hashable]]:
        """The cells with their structures."""
        own = bool(self.study.network_digest)
        configs = ((cell, self.study.config(cell.params)) for cell in self.study.cells())
        return [(cell, factors.structure(config, own_network=own)) for cell, config in configs]


class SearchOrder:
    """The given configurations, then what the sampler proposes; when all have ended, the confirmations of finalists."""

    def __init__(self, study: Study, search: Search) -> None:
        self.study, self._search = study, search

    def next(self, standing: Standing, ledger: Ledger, intake: Intake) -> Planned | None:
        if intake.depends_on_results(standing):
            search, records, closed = self._search, intake.records(), intake.is_closed
            if tried(records) >= trials_of_search(self.study, search, records, closed=closed):
                return self._confirmation(finalists(self.study, search, records, closed=closed) or [], ledger)
        first, seed = self._search.first, self.study.seed_of(0)
        taken = ledger.begun().given if first else set()
        for number, params in enumerate(first):
            if number not in taken:
                return Planned(Start(replicate=0, seed=seed, given=number), params)
        return Planned(Start(replicate=0, seed=seed), {})

    def _confirmation(self, chosen: Sequence[TrialRecord], ledger: Ledger) -> Planned | None:
        params = {record.number: record.params for record in chosen}
        begun = {(number, replicate) for _, replicate, number in ledger.begun().confirmed}
        for number, replicate in confirmations(self._search, chosen):
            if (number, replicate) not in begun:
                seed = self.study.confirmation_seed(replicate)
                return Planned(Start(replicate=replicate, seed=seed, confirms=number), params[number])
        return None


class CompareOrder:
    """The searches of all cells before any cell is searched again, each trial by trial, then its confirmation.

    A process stays with its search, and takes one that nobody is at next: so proposals see all earlier trials of their
    search and are the same again. Where there are more processes than searches, a search's trials are trained at once.
    """

    def __init__(self, study: Study, trials: int, find_winner: FindWinner) -> None:
        self.study = study
        self._trials, self._find_winner = trials, find_winner
        self._cells = study.cells()
        replicates = range(study.design.most)
        self._searches = [(cell.number, replicate) for replicate in replicates for cell in self._cells]
        self._mine: SearchKey | None = None  # the search that this process was at last

    def next(self, standing: Standing, ledger: Ledger, intake: Intake) -> Planned | None:
        begun = ledger.begun()
        confirmed = {(cell, replicate) for cell, replicate, _ in begun.confirmed}
        busy = Counter((start.cell, start.replicate) for start in map(Start.of, standing.running))
        self._searches = [key for key in self._searches if key not in confirmed]
        turns = {key: begun.turns.get(key, 0) for key in self._searches}
        can_go_on = not intake.is_closed
        ready = [key for key in turns if (can_go_on if turns[key] < self._trials else not busy[key])]
        if not ready:
            return None
        self._mine = min(ready, key=lambda key: (busy[key], key != self._mine))
        return self._turn(self._mine, begun.turns.get(self._mine, 0))

    def _turn(self, search: SearchKey, turn: int) -> Planned:
        cell, replicate = search
        if turn < self._trials:
            start = Start(cell=cell, replicate=replicate, seed=self.study.seed_of(replicate), turn=turn)
            return Planned(start, self._cells[cell].params)
        winner = self._find_winner(search)
        seed = self.study.confirmation_seed(replicate)
        return Planned(Start(cell=cell, replicate=replicate, seed=seed, confirms=winner.number), winner.params)
