"""The declaration of a study: what varies, on which base, and how configurations are chosen.

Everything here is frozen, is checked when it is created, and turns into JSON and back. The database keeps that JSON.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.arrays import Arrays, own_from_json
from hpstudy.study.catalog import DATASETS, DatasetInfo
from hpstudy.study.changes import differences
from hpstudy.study.checks import checked_base, checked_given_factors, checked_shows, checked_tune, checked_vary
from hpstudy.study.designs import Cell, Design, Factors, beside, design_from_json
from hpstudy.study.domains import Choice, Domain, Float, combinations, domain_from_json
from hpstudy.study.factors import Level
from hpstudy.study.levels import LevelTexts, check_count, make_plain
from hpstudy.study.metrics import DEFAULT_METRIC, METRICS, beyond_usual
from hpstudy.study.objective import Objective, check_task, checked_objectives
from hpstudy.study.own import Own
from hpstudy.study.published import Published, checked
from hpstudy.study.splits import RESAMPLE, Folds, Splits, splits_from_json

FORMAT = 1  # of the JSON; raised when an older hpstudy could no longer read it

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MOST_REPLICATES = 1_000_000  # more than any design has, so that larger seeds belong to no replicate
_RESERVED = ("default",)  # in any case: trackers keep an experiment of their own under it


@dataclass(frozen=True, kw_only=True)
class Study:
    """A question: a dataset, a base configuration, the factors that vary, and a design.

    Factors of a user's own are legal only with a `build` function in the study file. That function may follow the
    Study, so `check_factors` is called once the whole file has been read. So is a `load` function, without which there
    is no dataset of another name.

    Raises:
        UserError: something in the declaration is wrong; the message says what is legal.
    """

    name: str
    dataset: str | Own  # a built-in one by its name, one of one's own, or a name for what the file's `load` returns
    design: Design
    vary: Mapping[str, Domain] = field(default_factory=dict)
    tune: Mapping[str, Domain] = field(default_factory=dict)  # nuisance factors, which a Compare tunes for each cell
    base: Mapping[str, Level] = field(default_factory=dict)
    objective: str | Objective | Sequence[str | Objective] | None = None  # None: that of the dataset
    seed: int = 42  # replicate r trains with seed + r
    splits: Splits = RESAMPLE  # which rows each replicate trains on, and which validate it
    question: str = field(default="", compare=False)  # a paragraph for readers; the file's docstring
    network_digest: str = ""  # digest of the study file's `build` function; "" is the built-in network
    published: Sequence[Published] = field(default=(), compare=False)  # results of others, for the report
    given: Sequence[str] = field(default=(), compare=False)  # factors that are circumstances, not choices
    shows: Sequence[str] = field(default=(), compare=False)  # what the findings tell, too: metrics, "gap", "rise"
    diagnostics: bool = False  # whether to look into the networks: activations and gradients by layer
    declares_objective: bool = field(default=True, compare=False, repr=False)  # False: it was filled in
    recorded: bool = field(default=False, compare=False, repr=False)  # whether it comes from a database, see `checks`

    def __post_init__(self) -> None:
        make_plain(self, "name", "dataset", "seed", "diagnostics")
        _check_name(self.name, recorded=self.recorded)
        if isinstance(self.dataset, str) and self.dataset not in DATASETS and not self.recorded:
            object.__setattr__(self, "dataset", Arrays(self.dataset, loads=True))  # see `check_factors`
        info = factors.dataset_info(self.dataset)
        if not isinstance(self.design, Design):
            raise UserError(f"design must be Grid(…), Search(…) or Compare(…); it is {self.design!r}.")
        check_count("Study(seed=…)", self.seed, low=0)
        self._check_splits(info)
        if not isinstance(self.diagnostics, bool):
            raise UserError(f"Study(diagnostics=…) must be True or False; it is {self.diagnostics!r}.")
        if self.objective is None:
            object.__setattr__(self, "declares_objective", False)
            object.__setattr__(self, "objective", info.default_metric or DEFAULT_METRIC[info.task])
        object.__setattr__(self, "objective", checked_objectives(self.objectives))
        check_task(self.objectives, info.task, info.title)
        object.__setattr__(self, "base", checked_base(info, self.base, recorded=self.recorded))
        object.__setattr__(self, "vary", checked_vary(info, self.vary, self.base, recorded=self.recorded))
        tune = checked_tune(info, self.tune, self.vary, self.base, recorded=self.recorded)
        object.__setattr__(self, "tune", tune)
        object.__setattr__(self, "design", self.design.fitted(self._factors()))
        self._check_combinations(info)
        has_answers = self.design.has_cells and not self.design.adaptive
        object.__setattr__(self, "given", checked_given_factors(self.given, self.vary, can_be=has_answers))
        shows = checked_shows(self.shows, info.task, has_cells=self.design.has_cells)
        object.__setattr__(self, "shows", shows)
        if self.published:
            params = [cell.params for cell in self.cells()] if self.design.has_cells else []
            figures = checked(self.published, METRICS, self.vary, params, recorded=self.recorded)
            object.__setattr__(self, "published", figures)

    @functools.cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """The metrics by which trials are compared; more than one makes a Pareto front."""
        assert self.objective is not None, "it is filled in"
        return checked_objectives(self.objective)

    @property
    def watched(self) -> tuple[str, ...]:
        """The objectives that epochs have only because they are objectives."""
        return beyond_usual(objective.metric for objective in self.objectives)

    def on(self, dataset: Own) -> Study:
        """The study with the content of its own dataset, by which the objective is chosen where it declares none."""
        return dataclasses.replace(self, dataset=dataset, objective=self.objective if self.declares_objective else None)

    @property
    def dataset_info(self) -> DatasetInfo:
        return factors.dataset_info(self.dataset)

    @functools.cached_property
    def budget(self) -> int:
        """How many trials the study asks for; the most possible if that depends on its results."""
        return self.design.budget(self.vary)

    @functools.cached_property
    def domains(self) -> Mapping[str, Domain]:
        """All factors that differ between trials: those that vary, then those that are tuned."""
        return MappingProxyType({**self.vary, **self.tune})

    @property
    def validation_ratio(self) -> float:
        """Validation rows by training rows, as every split has them; 0 where all replicates have the same rows."""
        return 0.0 if self.dataset_info.is_split_once else self.splits.ratio

    @property
    def max_epochs(self) -> int:
        """The most epochs that a trial can have."""
        if "epochs" in self.domains:
            return int(self.domains["epochs"].highest)  # type: ignore[arg-type]
        return int(self.config({})["epochs"])  # type: ignore[arg-type]

    @property
    def chooses(self) -> bool:
        """Whether one configuration is chosen; not where a factor is given, whose every level has an answer."""
        return not self.given

    @property
    def prunes(self) -> bool:
        """Whether a pruner may end trials early."""
        return self.design.pruner != "none"

    def cells(self) -> list[Cell]:
        """Every combination of the levels of `vary`, in the order of the declaration, each once."""
        return [
            Cell(number=number, params=MappingProxyType(params))
            for number, params in enumerate(combinations(self.vary))
        ]

    @functools.cached_property
    def texts(self) -> LevelTexts:
        """How the declared levels are written."""
        return self.texts_beside(())

    def texts_beside(self, trials: Iterable[Mapping[str, Level]]) -> LevelTexts:
        """How levels are written where trials with these parameters are shown side by side."""
        trials = list(trials)
        levels: dict[str, Sequence[Level]] = {}
        for name, domain in self.domains.items():
            if isinstance(domain, Choice):
                levels[name] = domain.levels
            elif isinstance(domain, Float):
                levels[name] = [params[name] for params in trials if name in params] if trials else domain.ends
        floats = {name: domain for name, domain in self.domains.items() if isinstance(domain, Float)}
        return LevelTexts(levels, exact=[name for name, domain in floats.items() if domain.step is not None])

    def config(self, params: Mapping[str, Level]) -> dict[str, Level]:
        """The whole configuration of a trial: its own levels over those of the base over the defaults."""
        return factors.complete({**factors.default_config(self.dataset_info), **self.base, **params})

    def seed_of(self, replicate: int) -> int:
        """The seed of a replicate. No cell has a part in it, so all cells are compared on the same splits."""
        return self.seed + replicate

    def confirmation_seed(self, replicate: int) -> int:
        """The seed of a confirmation, the training of a configuration after it was chosen. No search uses it."""
        return self.seed + _MOST_REPLICATES + replicate

    def check_factors(self) -> Study:
        """Refuse unknown factors unless the file builds its own network, and unknown datasets unless it loads one.

        Returns the study.
        """
        if isinstance(self.dataset, Own) and self.dataset.loads and not self.dataset.loader:
            raise UserError(factors.unknown_dataset(self.dataset.path))
        if not self.network_digest:
            for name in (*self.base, *self.domains):
                if name not in factors.FACTORS:
                    raise UserError(
                        factors.unknown("factor", name, factors.FACTORS)
                        + " Factors of your own need a function build(config, input_shape, outputs) in the file."
                    )
        return self

    def check_params(self, params: Mapping[str, Level]) -> None:
        """Refuse parameters that this study cannot have produced, such as ones changed in the database.

        Raises:
            UserError: a name or a level is not in the declaration.
        """
        expected = {name for name, domain in self.domains.items() if domain.exists_beside(params)}
        if set(params) != expected:
            raise UserError(f"Parameters {sorted(params)} do not fit the study's factors {sorted(expected)}.")
        for name, level in params.items():
            if not self.domains[name].contains(level):
                raise UserError(f"Factor {name!r}: {level!r} is not a level of the study.")

    def to_json(self) -> str:
        """One line of JSON; `Study.from_json` gives an equal study."""
        declaration = {
            "format": FORMAT,
            "name": self.name,
            "dataset": self.dataset.to_json() if isinstance(self.dataset, Own) else self.dataset,
            "base": dict(self.base),
            "vary": {name: domain.to_json() for name, domain in self.vary.items()},
            **({"tune": {name: domain.to_json() for name, domain in self.tune.items()}} if self.tune else {}),
            "design": {type(self.design).__name__.lower(): self.design.to_json()},
            "objective": [objective.to_json() for objective in self.objectives],
            "seed": self.seed,
            **({} if self.splits == RESAMPLE else {"splits": self.splits.to_json()}),
            "question": self.question,
            "network": self.network_digest,
            **({"published": [figure.to_json() for figure in self.published]} if self.published else {}),
            **({"given": list(self.given)} if self.given else {}),
            **({"shows": list(self.shows)} if self.shows else {}),
            **(
                {"diagnostics": True} if self.diagnostics else {}
            ),  # left out, so that studies recorded before it existed stay equal
        }
        return json.dumps(declaration, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Study:
        """Raises UserError if the text is not a declaration that this version can read."""
        try:
            values = json.loads(text)
            if values.pop("format") != FORMAT:
                raise UserError("The study was written by another version of hpstudy. Upgrade this one.")
            if isinstance(values["dataset"], dict):
                values["dataset"] = own_from_json(values["dataset"])
            values["network_digest"] = values.pop("network", "")
            for kind in ("vary", "tune"):
                values[kind] = {name: domain_from_json(domain) for name, domain in values.get(kind, {}).items()}
            if "splits" in values:
                values["splits"] = splits_from_json(values["splits"])
            values["design"] = design_from_json(values["design"])
            values["objective"] = tuple(Objective(**objective) for objective in values["objective"])
            values["published"] = tuple(Published.from_json(figure) for figure in values.get("published", ()))
            return cls(**values, recorded=True)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"This is not a declaration of a study: {error!r}.") from error

    def beside(self, recorded: Study) -> Study:
        """The study without what did not exist when the other one was recorded, so that it resumes as it began."""
        return dataclasses.replace(self, design=beside(self.design, recorded.design))

    def changes(self, recorded: Study) -> list[str]:
        """What differs from the recorded declaration, a line each; empty if the two ask the same.

        The question, published figures, which factors are given, what is shown and what matters in practice are for
        readers: they change nothing of what is trained. Only adaptive replicates ask for what matters in practice.
        """
        old, new = (json.loads(study.to_json()) for study in (recorded, self.beside(recorded)))
        for declaration in (old, new):
            for name in ("question", "published", "given", "shows"):
                declaration.pop(name, None)
            for objective in declaration["objective"]:
                if not self.design.adaptive:  # which goes on until all is decided in practice
                    objective.pop("practical", None)
        return list(differences(old, new))

    def _factors(self) -> Factors:
        return Factors(
            base=self.base, vary=self.vary, tune=self.tune, objectives=self.objectives, recorded=self.recorded
        )

    def _check_splits(self, info: DatasetInfo) -> None:
        if not isinstance(self.splits, Splits):
            raise UserError(f"Study(splits=…) must be Folds(5) or Resample(validation=0.2); it is {self.splits!r}.")
        if info.test == "all" and self.splits != RESAMPLE:
            raise UserError(f"{info.title} is learned as a whole, so nothing is split. Leave splits= out.")
        if isinstance(self.splits, Folds):
            if info.is_split_once:
                raise UserError(
                    f"{info.title} is validated on its latest rows in every replicate, because of time=. Leave out "
                    "time= or splits=Folds(…)."
                )
            object.__setattr__(self, "splits", dataclasses.replace(self.splits, first=self.seed))

    def _check_combinations(self, info: DatasetInfo) -> None:
        for params in combinations(self.domains, corners=True):
            factors.check_combination(info, {**self.base, **params})
        depths = self.domains["depth"].ends if "depth" in self.domains else (self.config({})["depth"],)
        idle = [name for name in ("units", "activation", "dropout") if name in self.domains]
        if not self.network_digest and set(depths) == {0} and idle:
            raise UserError(
                f"depth=0 has no hidden layer, so {', '.join(idle)} cannot make a difference. "
                "Raise depth or leave them out."
            )


def _check_name(name: object, *, recorded: bool) -> None:
    if isinstance(name, str) and _NAME.fullmatch(name):
        if name.lower() in _RESERVED and not recorded:
            raise UserError(
                f"A study cannot be named {name!r}: the tracker keeps an experiment of that name, and cannot start a "
                f"run once it is deleted with the study. Try '{name}-study'."
            )
        return
    proposal = re.sub(r"[^A-Za-z0-9._-]+", "-", str(name)).strip("-._")[:100] or "my-study"
    raise UserError(
        f"A study's name is 1 to 100 letters a-z, digits, '.', '_' or '-', beginning with a letter or digit, "
        f"because it names files and addresses; it is {name!r}. Try {proposal!r}."
    )
