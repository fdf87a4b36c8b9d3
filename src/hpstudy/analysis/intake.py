"""How many trials a study asks for, where that depends on its results. Pure: the same for whoever computes it.

A trial that tries another one again stands for the same place in the budget, so the trials that count are those that
are no second attempt. What was begun is never taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hpstudy.analysis.best import ranked_trials, scores
from hpstudy.analysis.cells import grid_values
from hpstudy.analysis.divergence import outcomes
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study import factors
from hpstudy.study.designs import Adaptive, Compare, Grid, Search
from hpstudy.study.spec import Study

Confirmation = tuple[int, int]  # number of the trial that is confirmed, replicate


def asked(study: Study, records: Sequence[TrialRecord], *, closed: bool = False) -> int:
    """The budget of a study with these trials.

    Args:
        closed: Nothing new is tried any more; but what was found is confirmed.
    """
    match study.design:
        case Search() as search:
            return _asked_of_search(study, search, records, closed=closed)
        case Compare(trials=trials):
            return _begun(records) + _unconfirmed(records, trials) if closed else study.budget
        case Grid(replicates=Adaptive()) if not closed:
            begun = {(record.cell, record.replicate) for record in records}
            return len(begun | set(cells_asked(study, records)))
        case Grid():
            return _begun(records) if closed else study.budget


def cells_asked(study: Study, records: Sequence[TrialRecord]) -> list[tuple[int, int]]:
    """The (cell, replicate) that a grid with adaptive replicates asks for so far, in the order of the replicates."""
    asked = grid_values(study, outcomes(study, records)).asked
    return [(int(cell), int(replicate)) for replicate, cell in zip(*asked.T.nonzero(), strict=True)]


def trials_of_search(study: Study, search: Search, records: Sequence[TrialRecord], *, closed: bool = False) -> int:
    """How many trials a search asks for before its finalists: fewer than declared once it is out of patience."""
    begun = tried(records)
    return begun if closed or is_out_of_patience(study, search, records) else max(search.trials, begun)


def tried(records: Sequence[TrialRecord]) -> int:
    """How many trials were begun that look for the best configuration."""
    return _begun(_searching(records))


def is_out_of_patience(study: Study, search: Search, records: Sequence[TrialRecord]) -> bool:
    """Whether as many trials as its patience have ended since the best one; of equal ones the first counts."""
    if search.patience is None:
        return False
    ended = [record for record in _searching(records) if record.state.is_final]
    complete = [place for place, record in enumerate(ended) if record.state == TrialState.COMPLETE]
    best = max(complete, key=lambda place: scores(study, ended[place])[0], default=-1)
    return len(ended) - 1 - best >= search.patience


def finalists(
    study: Study, search: Search, records: Sequence[TrialRecord], *, closed: bool = False
) -> list[TrialRecord] | None:
    """The trials whose configurations are confirmed, best first; None while the search goes on.

    Each configuration counts once, and none that diverged: so there may be fewer than declared.
    """
    searching = _searching(records)
    ended = sum(record.state.is_final for record in searching)
    if ended < trials_of_search(study, search, records, closed=closed):
        return None
    found: dict[str, TrialRecord] = {}
    for record in ranked_trials(study, searching):
        if record.diverged is None:
            found.setdefault(factors.key(record.params), record)
    return list(found.values())[: search.finalists or 0]


def confirmations(search: Search, chosen: Sequence[TrialRecord]) -> list[Confirmation]:
    """All finalists once before any is repeated."""
    return [(record.number, replicate) for replicate in range(search.replicates) for record in chosen]


def _asked_of_search(study: Study, search: Search, records: Sequence[TrialRecord], *, closed: bool) -> int:
    trials = trials_of_search(study, search, records, closed=closed)
    begun = {(record.confirms, record.replicate) for record in records if record.confirms is not None}
    chosen = finalists(study, search, records, closed=closed)
    if chosen is None:
        return trials + max(search.confirmations, len(begun))
    return trials + len(begun | set(confirmations(search, chosen)))


def _searching(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [record for record in records if record.confirms is None]


def _begun(records: Sequence[TrialRecord]) -> int:
    return sum(record.retry_of is None for record in records)


def _unconfirmed(records: Sequence[TrialRecord], trials: int) -> int:
    """How many searches have begun all of their trials and are not confirmed yet."""
    begun = Counter((record.cell, record.replicate) for record in _searching(records) if record.retry_of is None)
    confirmed = {(record.cell, record.replicate) for record in records if record.confirms is not None}
    return len({search for search, count in begun.items() if count >= trials} - confirmed)
