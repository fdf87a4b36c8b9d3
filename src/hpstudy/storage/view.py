"""One search among several in a study, as its sampler and its pruner see it: as if there were no other."""

from __future__ import annotations

import copy
from collections.abc import Container, Iterable
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from typing_extensions import override

from hpstudy.storage.conversion import Start
from hpstudy.storage.optuna_private import CachedStorage

SearchKey = tuple[int, int]  # which search of a Compare: cell, replicate


def turns_of(trials: Iterable[FrozenTrial], search: SearchKey) -> dict[int, FrozenTrial]:
    """The trials of one search by their turns, in order; of a turn that was tried again the last trial."""
    found: dict[int, FrozenTrial] = {}
    for trial in trials:
        start = Start.of(trial)
        if start.turn is not None and (start.cell, start.replicate) == search:
            found[start.turn] = trial
    return dict(sorted(found.items()))


class SearchedOnly(CachedStorage):
    """Optuna's storage without confirmations: they have other seeds, and teach a sampler nothing new.

    Args:
        storage: Shares its cache.
    """

    def __init__(self, storage: CachedStorage) -> None:
        vars(self).update(vars(storage))  # caches and their lock are the same objects

    @override
    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        every = super().get_all_trials(study_id, deepcopy, states)
        return [trial for trial in every if Start.of(trial).confirms is None]


class SearchView(CachedStorage):
    """Optuna's storage with the trials of one search only. Their numbers are their turns.

    What a sampler proposes then depends on nothing outside its search: not on other cells, not on the order in which
    processes took the trials, and not on trials that were lost and tried again. The levels of the cell, which are the
    same in all of these trials, are left out, and what samplers note with the study is kept apart.

    Args:
        storage: Shares its cache.
        search: Which search it is.
        trial_id: Of the trial that is taken.
        turn: Which one it is within the search.
        fixed: Names of the factors that the cell decides.
    """

    def __init__(
        self, storage: CachedStorage, search: SearchKey, *, trial_id: int, turn: int, fixed: Container[str]
    ) -> None:
        vars(self).update(vars(storage))  # caches and their lock are the same objects
        self._search, self._own, self._fixed = search, (trial_id, turn), fixed

    @override
    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        every = super().get_all_trials(study_id, deepcopy=False)
        turns = turns_of(every, self._search)
        seen = [self._seen(trial, turn) for turn, trial in turns.items() if states is None or trial.state in states]
        return copy.deepcopy(seen) if deepcopy else seen

    @override
    def get_trial(self, trial_id: int) -> FrozenTrial:
        trial = super().get_trial(trial_id)
        turn = self._own[1] if trial_id == self._own[0] else Start.of(trial).turn
        return trial if turn is None else self._seen(trial, turn)

    @override
    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        attributes = super().get_study_system_attrs(study_id)
        return {
            name.removeprefix(self._prefix): value
            for name, value in attributes.items()
            if name.startswith(self._prefix)
        }

    @override
    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        super().set_study_system_attr(study_id, f"{self._prefix}{key}", value)

    @property
    def _prefix(self) -> str:
        return "search {}, {}: ".format(*self._search)

    def _seen(self, trial: FrozenTrial, turn: int) -> FrozenTrial:
        seen = copy.copy(trial)
        seen.number = turn
        seen.params = {name: level for name, level in trial.params.items() if name not in self._fixed}
        kinds = trial.distributions.items()
        seen.distributions = {name: kind for name, kind in kinds if name not in self._fixed}
        return seen
