"""What a search found: Optuna's importances, the best trials, the course of the search, what pruning saved."""

from __future__ import annotations

import math
import random
import statistics
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hpstudy.analysis.best import front, ranked_trials
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.domains import Choice, Domain, Int
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    import optuna

MOST_LISTED = 15  # trials in a table
MIN_TRIALS = 10  # for importances: with fewer, every ranking is chance
_MOST_TREES = 64  # of the fANOVA; Optuna's default
_TREE_ROWS = 8_000  # trials × trees: a reader would not wait for more
_MOST_FOREST_TRIALS = 500  # for the fANOVA, drawn at random: its time grows with their square
_FOREST_SEED = 0  # so that the same trials give the same importances
_PARTS, _PART = 20, 2 / 3  # random parts of the trials, over which an importance varies
_FEW_LEVELS = 5  # of an integer range: with fewer, a level is easily at an end
_EDGE = 0.05  # of a range: a best level there may lie beyond it


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much a factor matters, by two methods; the importances of one method sum to one."""

    factor: str
    ped_anova: float | None  # for being among the best tenth (Watanabe et al. 2023)
    fanova: float | None  # for the variance over all trials (Hutter et al. 2014); None for conditional factors
    spread: tuple[float, float] | None = None  # of ped_anova over random parts of the trials: from, to


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What the pruner saved."""

    trials: int
    epochs: int  # epochs that were not trained
    share: float  # of the epochs that all these trials would have had
    seconds: float  # estimated from the median epoch of each trial


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A factor whose best level is at the end of its range."""

    factor: str
    level: str
    end: Literal["lower", "upper"]


@dataclass(frozen=True, kw_only=True)
class Foretold:
    """How well scores at the epoch after which a pruner ended trials foretold the last ones."""

    epoch: int  # the median of those after which it ended trials
    correlation: float  # of ranks (Spearman 1904), over complete trials
    trials: int


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    complete: tuple[TrialRecord, ...]  # with finite values, best first
    front: tuple[TrialRecord, ...]  # the Pareto front; with one objective, the best trial
    importances: tuple[Importance, ...]  # most important first; empty with too few trials
    best_so_far: tuple[tuple[int, float], ...]  # (trial, best value so far) for each improvement
    saving: Saving | None
    edges: tuple[Edge, ...]
    foretold: Foretold | None  # None without pruning

    @property
    def trained(self) -> tuple[TrialRecord, ...]:
        """The complete trials, without repeats."""
        return tuple(record for record in self.complete if record.repeats is None)

    @property
    def listed(self) -> tuple[TrialRecord, ...]:
        """The trials that tables list."""
        return (*self.trained[:MOST_LISTED], *self.front[:MOST_LISTED])


def search_result(study: Study, records: Sequence[TrialRecord]) -> SearchResult:
    complete = ranked_trials(study, [record for record in records if record.role != "confirmation"])
    return SearchResult(
        complete=tuple(complete),
        front=tuple(front(study, records)),
        importances=tuple(importances(study, complete)),
        best_so_far=tuple(_improvements(study, complete)),
        saving=_saving(study, records),
        edges=tuple(_edges(study, complete[0].params)) if len(complete) >= MIN_TRIALS else (),
        foretold=_foretold(study, records, complete),
    )


def importances(study: Study, complete: Sequence[TrialRecord]) -> list[Importance]:
    """The importances of the factors for the first objective, by Optuna's evaluators over the complete trials."""
    if len(complete) < MIN_TRIALS:
        return []
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

    common = [name for name in study.vary if all(name in record.params for record in complete)]
    optuna_study = _in_memory(study, complete)
    ped_anova = _evaluated(optuna_study, PedAnovaImportanceEvaluator(), None)
    parts = [_evaluated(_in_memory(study, part), PedAnovaImportanceEvaluator(), None) for part in _parts(complete)]
    sample = _sample(complete)
    sampled = optuna_study if len(sample) == len(complete) else _in_memory(study, sample)
    trees = min(_MOST_TREES, _TREE_ROWS // len(sample))
    fanova = _evaluated(sampled, FanovaImportanceEvaluator(n_trees=trees, seed=_FOREST_SEED), common)
    found = [
        Importance(
            factor=name, ped_anova=ped_anova.get(name), fanova=fanova.get(name), spread=_spread(name, ped_anova, parts)
        )
        for name in study.vary
        if name in ped_anova or name in fanova
    ]
    return sorted(found, key=lambda importance: -(importance.ped_anova or 0.0))


def _parts(complete: Sequence[TrialRecord]) -> list[Sequence[TrialRecord]]:
    """Random parts of the trials, always the same ones."""
    drawn = random.Random(_FOREST_SEED)
    few = list(complete)[: _MOST_FOREST_TRIALS * 2]
    return [drawn.sample(few, max(2, round(_PART * len(few)))) for _ in range(_PARTS)]


def _spread(name: str, whole: Mapping[str, float], parts: Sequence[Mapping[str, float]]) -> tuple[float, float] | None:
    values = [found[name] for found in (whole, *parts) if name in found]
    return (min(values), max(values)) if len(values) > 1 else None


def _foretold(study: Study, records: Sequence[TrialRecord], complete: Sequence[TrialRecord]) -> Foretold | None:
    """Over complete trials, at the epoch after which most trials were pruned."""
    ends = [len(record.history) for record in records if record.state == TrialState.PRUNED and record.repeats is None]
    metric = study.objectives[0].metric
    if not ends:
        return None
    from scipy import stats

    epoch = int(statistics.median_low(ends))
    reached = [record for record in complete if record.repeats is None and len(record.history) > epoch > 0]
    early = [record.history[epoch - 1].metrics.get(metric, math.nan) for record in reached]
    late = [record.value for record in reached]
    if len(reached) < MIN_TRIALS or len(set(early)) < 2 or len(set(late)) < 2:
        return None
    correlation = float(stats.spearmanr(early, late).statistic)
    return None if math.isnan(correlation) else Foretold(epoch=epoch, correlation=correlation, trials=len(reached))


def _sample(complete: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
    """As many trials as a forest can handle, always the same ones."""
    if len(complete) <= _MOST_FOREST_TRIALS:
        return complete
    return random.Random(_FOREST_SEED).sample(complete, _MOST_FOREST_TRIALS)


def _evaluated(study: optuna.Study, evaluator: Any, params: list[str] | None) -> Mapping[str, float]:
    """An evaluator's importances; empty if it has nothing to work on, such as equal values in all trials."""
    import optuna

    if params == []:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about few trials and about an experimental evaluator
            return optuna.importance.get_param_importances(study, evaluator=evaluator, params=params)
    except (ValueError, RuntimeError):
        return {}


def _in_memory(study: Study, complete: Sequence[TrialRecord]) -> optuna.Study:
    """The trials as Optuna's evaluators need them. Values are costs: lower is better."""
    import optuna

    from hpstudy.study.distributions import distribution

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kinds = {name: distribution(domain) for name, domain in study.vary.items()}
    copy = optuna.create_study(direction="minimize")
    copy.add_trials(
        [
            optuna.trial.create_trial(
                params=dict(record.params),
                distributions={name: kinds[name] for name in record.params},
                value=_cost(study, record),
            )
            for record in complete
        ]
    )
    return copy


def _cost(study: Study, record: TrialRecord) -> float:
    """The first objective, turned so that lower is better."""
    return -study.objectives[0].score(record.value or 0.0)


def _improvements(study: Study, complete: Sequence[TrialRecord]) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    best = math.inf
    for record in sorted(complete, key=lambda record: record.number):
        if _cost(study, record) < best:
            best = _cost(study, record)
            found.append((record.number, record.value or 0.0))
    return found


def _saving(study: Study, records: Sequence[TrialRecord]) -> Saving | None:
    """What pruning saved. Repeats, and trials that had all their epochs, do not count."""
    pruned = [record for record in records if record.state == TrialState.PRUNED and record.repeats is None]
    planned = {record.number: int(study.config(record.params)["epochs"]) for record in pruned}  # type: ignore[arg-type]
    left = {record.number: planned[record.number] - len(record.history) for record in pruned}
    ended = [record for record in pruned if left[record.number] > 0]
    if not ended:
        return None
    epochs = sum(left[record.number] for record in ended)
    return Saving(
        trials=len(ended),
        epochs=epochs,
        share=epochs / sum(planned[record.number] for record in ended),
        seconds=sum(left[record.number] * _epoch_s(record, records) for record in ended),
    )


def _epoch_s(record: TrialRecord, others: Sequence[TrialRecord]) -> float:
    """Median seconds per epoch without the first one, which compiles; with one epoch only, those of all others."""
    later = [epoch.metrics.get("seconds", 0.0) for epoch in record.history[1:]]
    if not later:
        later = [epoch.metrics.get("seconds", 0.0) for other in others for epoch in other.history[1:]]
    return statistics.median(later) if later else 0.0


def _edges(study: Study, params: Mapping[str, Any]) -> list[Edge]:
    places = {name: _place(domain, params.get(name)) for name, domain in study.vary.items()}
    return [
        Edge(factor=name, level=study.texts.text(name, params[name]), end="lower" if place <= _EDGE else "upper")
        for name, place in places.items()
        if place is not None and not _EDGE < place < 1 - _EDGE
    ]


def _place(domain: Domain, level: Any) -> float | None:
    """A level's position in its range, 0 to 1; None for choices, and for ranges that cannot be widened."""
    if isinstance(domain, Choice) or level is None or domain.low == domain.high:
        return None
    if isinstance(domain, Int) and len(domain.levels) < _FEW_LEVELS:
        return None
    low, high, at = (math.log(x) if domain.log else float(x) for x in (domain.low, domain.high, level))
    place = (at - low) / (high - low)
    return None if domain.low == 0 and place <= _EDGE else place
