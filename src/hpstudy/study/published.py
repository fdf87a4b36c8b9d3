"""Published results that a study declares, so that its report can show them beside its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.domains import Domain, level_of
from hpstudy.study.factors import Level
from hpstudy.study.levels import is_number, plain

TEST_ACCURACY = "test_accuracy"  # not a metric of a trial: `hpstudy evaluate` measures it


@dataclass(frozen=True, init=False)
class Published:
    """A figure that somebody published about one configuration of a study.

    Args:
        value: As published.
        metric: A metric of a trial, such as `val_accuracy`, or `test_accuracy`.
        source: Where it was published.
        note: What a reader must know to compare, such as "best of 30 trainings".
        levels: The cell to which it belongs, as levels of factors that vary. A study of one cell needs none.

    Raises:
        UserError: the value is not a number, or the source is missing.
    """

    value: float
    metric: str
    source: str
    note: str
    levels: Mapping[str, Level]

    def __init__(self, *, value: float, metric: str, source: str, note: str = "", **levels: Level) -> None:
        value = plain(value)
        if not is_number(value) or not math.isfinite(value):
            raise UserError(f"Published(value=…) must be a finite number such as 0.8892; it is {value!r}.")
        if not isinstance(source, str) or not source.strip():
            raise UserError(f"Published(source=…) must say where {value} was published; it is {source!r}.")
        fields = {"value": float(value), "metric": plain(metric), "source": plain(source), "note": plain(note)}
        given = {name: plain(level) for name, level in levels.items()}
        for name, content in {**fields, "levels": MappingProxyType(given)}.items():
            object.__setattr__(self, name, content)

    def cells(self, cells: Iterable[Mapping[str, Level]]) -> list[int]:
        """The numbers of the cells that have its levels."""
        return [number for number, params in enumerate(cells) if self.levels.items() <= params.items()]

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "levels": dict(self.levels)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Published:
        """The inverse of `to_json`. Raises KeyError or TypeError for anything else."""
        fields = {name: content for name, content in values.items() if name != "levels"}
        return cls(**fields, **values["levels"])


def checked(
    given: object,
    metrics: Iterable[str],
    vary: Mapping[str, Domain],
    cells: Sequence[Mapping[str, Level]],
    *,
    recorded: bool = False,
) -> tuple[Published, ...]:
    """The figures with their levels in normal form.

    Args:
        given: One figure or several.
        metrics: The metrics of a trial.
        vary: The factors that vary.
        cells: The levels of each cell of a grid; none for a search.
        recorded: Whether an earlier version may have accepted levels that only Python calls equal, such as True and 1.

    Raises:
        UserError: one is not a `Published`, or its metric, factor, level or cell does not exist.
    """
    figures = (given,) if isinstance(given, Published) else given
    if not isinstance(figures, tuple | list) or not all(isinstance(figure, Published) for figure in figures):
        raise UserError(f"published must be Published(…) or a tuple of them; it is {given!r}.")
    return tuple(_checked(figure, tuple(metrics), vary, cells, recorded=recorded) for figure in figures)


def _checked(
    figure: Published,
    metrics: Sequence[str],
    vary: Mapping[str, Domain],
    cells: Sequence[Mapping[str, Level]],
    *,
    recorded: bool,
) -> Published:
    what = f"Published(value={figure.value:g}, metric={figure.metric!r})"
    if figure.metric not in (*metrics, TEST_ACCURACY):
        raise UserError(f"{what}: {factors.unknown('metric', figure.metric, (*metrics, TEST_ACCURACY))}")
    if not cells:
        if figure.metric != TEST_ACCURACY or figure.levels:
            raise UserError(
                f"{what}: only the chosen configuration of a search is trained under several seeds and scored on the "
                f"test split. Take metric={TEST_ACCURACY!r} and no levels, or design=Grid(replicates=…)."
            )
        return figure
    for name in figure.levels:
        if name not in vary:
            legal = factors.unknown("factor", name, vary, "Varying") if vary else f"Leave {name!r} out: nothing varies."
            raise UserError(f"{what}: {legal}")
    own = {name: level_of(name, vary[name], level) for name, level in figure.levels.items()}
    levels = {name: own[name][0] if own[name] else level for name, level in figure.levels.items()}
    figure = Published.from_json({**figure.to_json(), "levels": levels})
    found = len(figure.cells(cells)) if all(own.values()) or recorded else 0
    if found != 1:
        named = factors.describe(levels) or "no level"
        raise UserError(
            f"{what} must belong to one cell of the study; {named} is in {found} of {len(cells)}. "
            f"Name one level of each factor that varies: {', '.join(vary)}."
        )
    return figure
