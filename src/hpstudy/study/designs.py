"""How the configurations of a study are chosen: every cell of a grid, by a search, or by a search for each cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from hpstudy.errors import UserError
from hpstudy.study.domains import Domain, Float, count_combinations
from hpstudy.study.factors import Level
from hpstudy.study.given import checked_given, frozen
from hpstudy.study.levels import check_count, make_plain
from hpstudy.study.objective import Objective
from hpstudy.study.sampling import WARMUP, Pruner, Sampler, check_names, check_pruner, check_sampler, checked_warmup

_MOST_TRIALS = 1_000_000  # of a design with cells, which are all made
_QUICK_TRIALS = 6  # of a search, for a quick first run
_QUICK_TUNING = 2  # trials in each search of a Compare, for a quick first run
_ADAPTIVE_TIMES = 5  # a grid that becomes adaptive may get this many times its replicates

Replicates: TypeAlias = int | Literal["adaptive"]  # the new total number in a study that is extended


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What a design has to fit: the factors of a study, and the metrics by which its trials are compared."""

    base: Mapping[str, Level]
    vary: Mapping[str, Domain]
    tune: Mapping[str, Domain]
    objectives: Sequence[Objective]
    recorded: bool  # whether it comes from a database: a check that came later applies only to new studies


@dataclass(frozen=True)
class Adaptive:
    """Replicates where they decide: `least` for every cell, then more for undecided cells that may be the best.

    Args:
        least: Replicates of every cell before the results are first looked at.
        most: The most replicates that a cell can get.
    """

    least: int
    most: int

    def __post_init__(self) -> None:
        make_plain(self, "least", "most")
        check_count("Adaptive(least, …)", self.least, low=2)
        check_count("Adaptive(…, most)", self.most, low=self.least + 1)

    @property
    def looks(self) -> int:
        """How often the results are looked at, the report at the end among them."""
        return self.most - self.least + 1

    def __str__(self) -> str:
        return f"{self.least} to {self.most}"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every cell × replicate exactly once; with `Adaptive` replicates, only those that are needed."""

    replicates: int | Adaptive = 1

    has_cells: ClassVar[bool] = True  # each combination of the levels of `vary` is a cell
    confirms: ClassVar[bool] = False  # chosen configurations are trained once more under fresh seeds
    sampler: ClassVar[None] = None  # nothing is proposed
    pruner: ClassVar[Pruner] = "none"
    warmup: ClassVar[None] = None
    seed: ClassVar[None] = None
    first: ClassVar[tuple[()]] = ()

    def __post_init__(self) -> None:
        make_plain(self, "replicates")
        if not isinstance(self.replicates, Adaptive):
            check_count("Grid(replicates=…)", self.replicates)

    @property
    def adaptive(self) -> Adaptive | None:
        return self.replicates if isinstance(self.replicates, Adaptive) else None

    @property
    def most(self) -> int:
        """The most replicates that a cell can have."""
        return self.replicates.most if isinstance(self.replicates, Adaptive) else self.replicates

    def budget(self, vary: Mapping[str, Domain]) -> int:
        """How many trials the design asks for; the most possible if that depends on results."""
        return count_combinations(vary) * self.most

    def fitted(self, study: Factors) -> Grid:
        """The design with its levels in normal form. Raises UserError if it cannot have these factors."""
        _check_not_tuned(study)
        _check_levels("a grid", study.vary, "design=Search(trials=…)")
        _check_size("grid", self.budget(study.vary), f"with {self.most:,} replicates", study)
        if isinstance(self.replicates, Adaptive) and len(study.objectives) > 1:
            raise UserError(
                f"Adaptive(…) gives replicates by one objective; the study has {len(study.objectives)}. "
                "Take Grid(replicates=…) with a number, or one objective."
            )
        return self

    def resized(self, *, trials: int | None, replicates: Replicates | None) -> Grid:
        """The design with another budget. Raises UserError for an argument that does not apply to it."""
        if trials is not None:
            raise UserError(
                "--trials is for a Search or a Compare; this study is a Grid, whose budget is cells × --replicates."
            )
        if replicates is None:
            return self
        if replicates != "adaptive":
            return dataclasses.replace(self, replicates=replicates)
        if isinstance(self.replicates, Adaptive):
            return self
        return dataclasses.replace(self, replicates=Adaptive(self.replicates, _ADAPTIVE_TIMES * self.replicates))

    def check_extends(self, recorded: Design) -> None:
        """Raises UserError if a study that began with the recorded design cannot resume with this one."""

    def quick(self) -> Grid:
        """The design with few trials, for a quick first run."""
        return Grid(replicates=1)

    def to_json(self) -> dict[str, Any]:
        adaptive = isinstance(self.replicates, Adaptive)
        return {"replicates": dict(vars(self.replicates)) if adaptive else self.replicates}


@dataclass(frozen=True, kw_only=True)
class Search:
    """An Optuna sampler with a budget, and a pruner that ends bad trials early.

    Args:
        trials: The budget.
        seed: The sampler's seed; the study's seed if None.
        first: Given configurations, which are tried in this order before the sampler proposes any. Each is a dict of
            levels such as `{"optimizer": "adam", "learning_rate": 0.001}`; the sampler proposes what it leaves out.
        finalists: How many of the best configurations are confirmed: they are trained again under fresh seeds, which
            decide the choice between them. 0 turns it off; with several objectives there are none. None means that the
            search was recorded before finalists existed, and has none either.
        replicates: Confirmations of each finalist.
        patience: The search ends after this many trials without a better one.
        warmup: Share of a trial's epochs before which the pruners that compare with other trials ("median",
            "percentile", "patient") end none, since early scores say little of the last one. None for other pruners,
            and if the search was recorded before this existed: then they may end a trial after its first epoch.
    """

    trials: int
    sampler: Sampler = "tpe"
    pruner: Pruner = "none"
    seed: int | None = None
    first: Sequence[Mapping[str, Level]] = ()
    finalists: int | None = 3
    replicates: int = 3
    patience: int | None = None
    warmup: float | None = WARMUP

    has_cells: ClassVar[bool] = False
    adaptive: ClassVar[None] = None

    def __post_init__(self) -> None:
        make_plain(self, "trials", "sampler", "pruner", "seed", "finalists", "replicates", "patience", "warmup")
        object.__setattr__(self, "warmup", checked_warmup(self.warmup, self.pruner))
        check_count("Search(trials=…)", self.trials)
        check_count("Search(finalists=…)", self.finalists or 0, low=0)
        check_count("Search(replicates=…)", self.replicates)
        if self.patience is not None:
            check_count("Search(patience=…)", self.patience)
        check_names(self.sampler, self.pruner)
        if self.seed is not None:
            check_count("Search(seed=…)", self.seed, low=0)
        object.__setattr__(self, "first", frozen(self.first, self.trials))

    @property
    def most(self) -> int:
        return self.replicates

    @property
    def confirms(self) -> bool:
        return self.confirmations > 0

    @property
    def confirmations(self) -> int:
        """The most confirmations that there can be."""
        return (self.finalists or 0) * self.replicates

    def budget(self, vary: Mapping[str, Domain]) -> int:
        return self.trials + self.confirmations

    def fitted(self, study: Factors) -> Search:
        _check_not_tuned(study)
        if not study.vary:
            raise UserError("A search needs factors that vary. To repeat one configuration use Grid(replicates=…).")
        first = checked_given(tuple(self.first), study.vary, study.base)
        check_pruner(self.pruner, study.objectives)
        check_sampler(self.sampler, study.vary, study.objectives, recorded=study.recorded)
        if len(study.objectives) == 1:
            return dataclasses.replace(self, first=first)
        if self.patience is not None:
            raise UserError(
                f"Search(patience=…) waits for a better trial by one objective; the study has {len(study.objectives)}. "
                "Leave it out."
            )
        return dataclasses.replace(self, first=first, finalists=None if self.finalists is None else 0)

    def resized(self, *, trials: int | None, replicates: Replicates | None) -> Search:
        if replicates is not None:
            raise UserError(
                "--replicates is for a Grid or a Compare; this study is a Search, whose budget is --trials and what "
                "Search(finalists=…, replicates=…) says."
            )
        return self if trials is None else dataclasses.replace(self, trials=trials)

    def check_extends(self, recorded: Design) -> None:
        pass

    def quick(self) -> Search:
        trials = min(_QUICK_TRIALS, self.trials)
        finalists = None if self.finalists is None else 0
        return dataclasses.replace(self, trials=trials, first=self.first[:trials], finalists=finalists)

    def to_json(self) -> dict[str, Any]:
        """Unused fields that earlier versions did not have are left out, so that recorded searches stay equal."""
        values = {**vars(self), "first": [dict(levels) for levels in self.first]}
        if self.finalists is None:
            del values["finalists"], values["replicates"]
        return {name: value for name, value in values.items() if name == "seed" or value not in ([], None)}


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Every cell × replicate is a separate search over the nuisance factors, and all have the same budget.

    The winner of each search is trained once more, under a fresh seed and split: this is its confirmation. Only the
    confirmations are compared, so no cell gains by luck. They have the same seeds in every cell.

    Args:
        trials: Trials of each search, without its confirmation.
        replicates: Searches per cell.
        sampler: Proposes the nuisance factors; it sees only the trials of its own search.
        pruner: Ends bad trials of a search early; a confirmation is trained to its end.
    """

    trials: int
    replicates: int = 5
    sampler: Sampler = "tpe"
    pruner: Pruner = "none"

    has_cells: ClassVar[bool] = True
    confirms: ClassVar[bool] = True
    warmup: ClassVar[float] = WARMUP
    adaptive: ClassVar[None] = None
    seed: ClassVar[None] = None
    first: ClassVar[tuple[()]] = ()

    def __post_init__(self) -> None:
        make_plain(self, "trials", "replicates", "sampler", "pruner")
        check_count("Compare(trials=…)", self.trials)
        check_count("Compare(replicates=…)", self.replicates)
        check_names(self.sampler, self.pruner)

    @property
    def most(self) -> int:
        return self.replicates

    def budget(self, vary: Mapping[str, Domain]) -> int:
        return count_combinations(vary) * self.replicates * (self.trials + 1)

    def fitted(self, study: Factors) -> Compare:
        if not study.vary:
            raise UserError(
                "A Compare compares the levels of vary=dict(…), and nothing varies. To tune one configuration, put its "
                "factors into vary and take design=Search(trials=…)."
            )
        if not study.tune:
            raise UserError(
                "A Compare tunes the factors of tune=dict(…) for each level of the others, and there are none. Name "
                "them, such as tune=dict(learning_rate=Float(1e-4, 1.0, log=True)), or take design=Grid(replicates=…)."
            )
        if len(study.objectives) > 1:
            raise UserError(
                f"A Compare picks the winner of each search by one objective; the study has {len(study.objectives)}. "
                "Take one of them, or design=Search(trials=…), which gives the Pareto front."
            )
        _check_levels("a Compare", study.vary, "move it to tune=dict(…)")
        check_pruner(self.pruner, study.objectives)
        check_sampler(self.sampler, study.tune, study.objectives, recorded=study.recorded)
        searches = f"with {self.replicates:,} replicates of {self.trials:,} trials and a confirmation"
        _check_size("comparison", self.budget(study.vary), searches, study)
        return self

    def resized(self, *, trials: int | None, replicates: Replicates | None) -> Compare:
        if replicates == "adaptive":
            raise UserError("--replicates adaptive is for a Grid; this study is a Compare. Give a number.")
        given = {name: value for name, value in (("trials", trials), ("replicates", replicates)) if value is not None}
        return dataclasses.replace(self, **given)  # type: ignore[arg-type]

    def check_extends(self, recorded: Design) -> None:
        if isinstance(recorded, Compare) and self.trials != recorded.trials:
            raise UserError(
                f"Each search of this Compare has {recorded.trials} trials and was confirmed after them; with "
                f"{self.trials} the confirmed configuration may not be its best. More --replicates can be added; for "
                "longer searches, give the study another name."
            )

    def quick(self) -> Compare:
        return dataclasses.replace(self, trials=min(_QUICK_TUNING, self.trials), replicates=1)

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


Design: TypeAlias = Grid | Search | Compare
DESIGNS: Mapping[str, type[Design]] = {"grid": Grid, "search": Search, "compare": Compare}  # as declarations name them


def design_from_json(values: Mapping[str, Any]) -> Design:
    """The inverse of a declaration's `design`. Raises KeyError or TypeError for anything else."""
    ((kind, fields),) = values.items()
    if kind == "grid" and isinstance(fields["replicates"], Mapping):
        return Grid(replicates=Adaptive(**fields["replicates"]))
    lacking = {"finalists": None, "warmup": None} if kind == "search" else {}
    return DESIGNS[kind](**{**lacking, **fields})


def beside(design: Design, recorded: Design) -> Design:
    """The design without what did not exist when the other one was recorded: that does not count as a difference."""
    if not (isinstance(design, Search) and isinstance(recorded, Search)):
        return design
    if recorded.finalists is None:
        design = dataclasses.replace(design, finalists=None, replicates=recorded.replicates)
    return dataclasses.replace(design, warmup=None) if recorded.warmup is None else design


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination of the levels of `vary`, in a design that has cells."""

    number: int  # from 0, in the order of the declaration
    params: Mapping[str, Level]


def _check_not_tuned(study: Factors) -> None:
    if study.tune:
        raise UserError(
            f"tune=dict(…) is for design=Compare(trials=…), which tunes {', '.join(study.tune)} for each cell. Take "
            "that design, or put the factors into vary."
        )


def _check_levels(what: str, vary: Mapping[str, Domain], else_: str) -> None:
    for name, domain in vary.items():
        if isinstance(domain, Float) and domain.step is None:
            raise UserError(
                f"Factor {name!r}: {what} needs levels, and Float({domain.low:g}, {domain.high:g}) has "
                f"none. List them in a Choice(…), give it a step, or {else_}."
            )


def _check_size(what: str, trials: int, with_: str, study: Factors) -> None:
    if trials > _MOST_TRIALS and not study.recorded:
        raise UserError(
            f"This {what} has {count_combinations(study.vary):,} cells and, {with_}, {trials:,} trials; at "
            f"most {_MOST_TRIALS:,} are possible. Take fewer levels, or design=Search(trials=…)."
        )
