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
from hpstudy.study.catalog import DatasetInfo
from hpstudy.study.changes import differences
from hpstudy.study.checks import check_listable, checked_base, checked_vary
from hpstudy.study.designs import Cell, Grid, Search
from hpstudy.study.domains import Choice, Domain, Float, combinations, count_combinations, domain_from_json
from hpstudy.study.factors import Level
from hpstudy.study.given import checked_given
from hpstudy.study.levels import LevelTexts, check_count, make_plain
from hpstudy.study.objective import METRICS, Objective, checked_objectives
from hpstudy.study.published import Published, checked

FORMAT = 1  # of the JSON; raised when an older hpstudy could no longer read it

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RESERVED = ("default",)  # in any case: trackers keep an experiment of their own under it
_MOST_TRIALS = 1_000_000  # of a grid, whose cells are all made


@dataclass(frozen=True, kw_only=True)
class Study:
    """A question: a dataset, a base configuration, the factors that vary, and a design.

    Factors of a user's own are legal only with a `build` function in the study file. That function may follow the
    Study, so `check_factors` is called once the whole file has been read.

    Raises:
        UserError: something in the declaration is wrong; the message says what is legal.
    """

    name: str
    dataset: str
    design: Grid | Search
    vary: Mapping[str, Domain] = field(default_factory=dict)
    base: Mapping[str, Level] = field(default_factory=dict)
    objective: str | Objective | Sequence[str | Objective] = "val_accuracy"
    seed: int = 42  # replicate r trains with seed + r
    question: str = field(default="", compare=False)  # a paragraph for readers; the file's docstring
    network_digest: str = ""  # digest of the study file's `build` function; "" is the built-in network
    published: Sequence[Published] = field(default=(), compare=False)  # results of others, for the report
    diagnostics: bool = False  # whether to look into the networks: activations and gradients by layer
    recorded: bool = field(default=False, compare=False, repr=False)  # whether it comes from a database, see `checks`

    def __post_init__(self) -> None:
        make_plain(self, "name", "dataset", "seed", "diagnostics")
        _check_name(self.name, recorded=self.recorded)
        info = factors.dataset_info(self.dataset)
        if not isinstance(self.design, Grid | Search):
            raise UserError(f"design must be Grid(…) or Search(…); it is {self.design!r}.")
        check_count("Study(seed=…)", self.seed, low=0)
        if not isinstance(self.diagnostics, bool):
            raise UserError(f"Study(diagnostics=…) must be True or False; it is {self.diagnostics!r}.")
        object.__setattr__(self, "objective", checked_objectives(self.objective))
        object.__setattr__(self, "base", checked_base(info, self.base, recorded=self.recorded))
        object.__setattr__(self, "vary", checked_vary(info, self.vary, self.base, recorded=self.recorded))
        self._check_design()
        if not self.recorded:
            self._check_size()
        self._check_combinations(info)
        if self.published:
            params = [cell.params for cell in self.cells()] if isinstance(self.design, Grid) else []
            figures = checked(self.published, METRICS, self.vary, params, recorded=self.recorded)
            object.__setattr__(self, "published", figures)

    @functools.cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """The metrics by which trials are compared; more than one makes a Pareto front."""
        return checked_objectives(self.objective)

    @property
    def dataset_info(self) -> DatasetInfo:
        return factors.dataset_info(self.dataset)

    @functools.cached_property
    def budget(self) -> int:
        """How many trials the study asks for."""
        if isinstance(self.design, Search):
            return self.design.trials
        return count_combinations(self.vary) * self.design.replicates

    @property
    def max_epochs(self) -> int:
        """The most epochs that a trial can have."""
        if "epochs" in self.vary:
            return int(self.vary["epochs"].highest)  # type: ignore[arg-type]
        return int(self.config({})["epochs"])  # type: ignore[arg-type]

    @property
    def prunes(self) -> bool:
        """Whether a pruner may end trials early."""
        return isinstance(self.design, Search) and self.design.pruner != "none"

    def cells(self) -> list[Cell]:
        """Every combination of levels, in the order of the declaration, each once."""
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
        for name, domain in self.vary.items():
            if isinstance(domain, Choice):
                levels[name] = domain.levels
            elif isinstance(domain, Float):
                levels[name] = [params[name] for params in trials if name in params] if trials else domain.ends
        stepped = [name for name, domain in self.vary.items() if isinstance(domain, Float) and domain.step is not None]
        return LevelTexts(levels, exact=stepped)

    def config(self, params: Mapping[str, Level]) -> dict[str, Level]:
        """The whole configuration of a trial: its own levels over those of the base over the defaults."""
        return factors.complete({**factors.default_config(self.dataset_info), **self.base, **params})

    def seed_of(self, replicate: int) -> int:
        """The seed of a replicate. No cell has a part in it, so all cells are compared on the same splits."""
        return self.seed + replicate

    def check_factors(self) -> Study:
        """Refuse unknown factors unless the study file builds its own network. Returns the study."""
        if not self.network_digest:
            for name in (*self.base, *self.vary):
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
        expected = {name for name, domain in self.vary.items() if domain.exists_beside(params)}
        if set(params) != expected:
            raise UserError(f"Parameters {sorted(params)} do not fit the study's factors {sorted(expected)}.")
        for name, level in params.items():
            if not self.vary[name].contains(level):
                raise UserError(f"Factor {name!r}: {level!r} is not a level of the study.")

    def to_json(self) -> str:
        """One line of JSON; `Study.from_json` gives an equal study."""
        declaration = {
            "format": FORMAT,
            "name": self.name,
            "dataset": self.dataset,
            "base": dict(self.base),
            "vary": {name: domain.to_json() for name, domain in self.vary.items()},
            "design": {type(self.design).__name__.lower(): self.design.to_json()},
            "objective": [dataclasses.asdict(objective) for objective in self.objectives],
            "seed": self.seed,
            "question": self.question,
            "network": self.network_digest,
            **({"published": [figure.to_json() for figure in self.published]} if self.published else {}),
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
            values["network_digest"] = values.pop("network", "")
            values["vary"] = {name: domain_from_json(domain) for name, domain in values["vary"].items()}
            ((kind, design),) = values["design"].items()
            values["design"] = {"grid": Grid, "search": Search}[kind](**design)
            values["objective"] = tuple(Objective(**objective) for objective in values["objective"])
            values["published"] = tuple(Published.from_json(figure) for figure in values.get("published", ()))
            return cls(**values, recorded=True)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"This is not a declaration of a study: {error!r}.") from error

    def changes(self, recorded: Study) -> list[str]:
        """What differs from the recorded declaration, a line each; empty if the two ask the same.

        The question and published figures are for readers: they change nothing of what is trained.
        """
        old, new = (json.loads(study.to_json()) for study in (recorded, self))
        for declaration in (old, new):
            for name in ("question", "published"):
                declaration.pop(name, None)
        return list(differences(old, new))

    def _check_design(self) -> None:
        objectives = self.objectives
        if isinstance(self.design, Grid):
            for name, domain in self.vary.items():
                if isinstance(domain, Float) and domain.step is None:
                    raise UserError(
                        f"Factor {name!r}: a grid needs levels, and Float({domain.low:g}, {domain.high:g}) has "
                        "none. List them in a Choice(…), give it a step, or use design=Search(trials=…)."
                    )
            return
        if not self.vary:
            raise UserError("A search needs factors that vary. To repeat one configuration use Grid(replicates=…).")
        given = checked_given(tuple(self.design.first), self.vary, self.base)
        object.__setattr__(self, "design", dataclasses.replace(self.design, first=given))
        if self.design.pruner != "none" and len(objectives) > 1:
            raise UserError(
                f"Pruner {self.design.pruner!r} compares trials by one metric; the study has {len(objectives)}. "
                "Take pruner='none' or one objective."
            )
        if self.design.pruner != "none" and objectives[0].metric in ("train_s", "parameters"):
            raise UserError(
                f"{objectives[0].metric} is known only at the end, so no trial can be pruned by it. "
                "Take pruner='none' or an objective such as 'val_accuracy'."
            )
        if self.design.sampler == "cmaes":
            if sum(not isinstance(domain, Choice) for domain in self.vary.values()) < 2:
                raise UserError("Sampler 'cmaes' needs at least two Float or Int factors. Take 'tpe' for others.")
            if len(objectives) > 1:
                raise UserError("Sampler 'cmaes' has one objective. Take 'tpe' or 'nsga2' for several.")

    def _check_size(self) -> None:
        if isinstance(self.design, Search):
            if self.design.sampler == "gp":
                check_listable(self.vary)
            return
        cells = count_combinations(self.vary)
        trials = cells * self.design.replicates
        if trials > _MOST_TRIALS:
            raise UserError(
                f"This grid has {cells:,} cells and, with {self.design.replicates:,} replicates, {trials:,} trials; at "
                f"most {_MOST_TRIALS:,} are possible. Take fewer levels, or design=Search(trials=…)."
            )

    def _check_combinations(self, info: DatasetInfo) -> None:
        for params in combinations(self.vary, corners=True):
            factors.check_combination(info, {**self.base, **params})
        depths = self.vary["depth"].ends if "depth" in self.vary else (self.config({})["depth"],)
        idle = [name for name in ("units", "activation", "dropout") if name in self.vary]
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
