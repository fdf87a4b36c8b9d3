"""Results from any tool, ranked: a data frame with a row for each run."""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from hpstudy.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from hpstudy.analysis.standings import Standings
    from hpstudy.analysis.statistics import Floats

_SHOWN, _LISTED = 3, 30  # rows and columns that an error names
_RESULT = ("mean", "low", "high", "n", "may_be_best", "p_best", "regret", "equivalent")


def rank(
    frame: pd.DataFrame,
    *,
    value: str,
    by: str | Sequence[str],
    replicate: str,
    maximize: bool = True,
    practical: float | None = None,
) -> pd.DataFrame:
    """Which configuration is best, by how much, and how sure that is.

    Methods as of a study's report: multiple comparisons with the best (`analysis.candidates`), probabilities
    (`analysis.posterior`).

    Args:
        frame: A row for each run.
        value: The column of its score.
        by: The columns that make a configuration, which several rows share: its replicates.
        replicate: The column that tells which runs of several configurations belong together, such as their seed: two
            configurations are compared on the replicates that both have.
        maximize: Whether a higher score is better.
        practical: The difference that matters in practice. None: 0.005 if all values lie within 0 and 1, else one per
            cent of the best mean.

    Returns:
        A row for each configuration, the best first: the columns of `by`; `mean`, and `low` and `high`, the 95 %
        interval of the mean on these data (Student 1908; NaN for a single run); `n`; `may_be_best`: not ruled out;
        `p_best`: probability of being the best; `regret`: how much worse than the best it is expected to be;
        `equivalent`: probability of lying within `practical` of the best. Where no configuration was run twice the
        probabilities are NaN, and none is ruled out.

    Raises:
        UserError: a column is missing, a value is not finite, or a configuration has a replicate twice.
    """
    levels, found = assessed(frame, value=value, by=by, replicate=replicate, maximize=maximize, practical=practical)
    return ranking(levels, found, maximize=maximize)


def assessed(
    frame: pd.DataFrame,
    *,
    value: str,
    by: str | Sequence[str],
    replicate: str,
    maximize: bool = True,
    practical: float | None = None,
) -> tuple[pd.DataFrame, Standings]:
    """As `rank`: the levels of each configuration, and what can be said of it, in the same order."""
    from hpstudy.analysis.standings import default_practical, standings

    names = [by] if isinstance(by, str) else list(by)
    _check_columns(frame, [value, *names, replicate])
    _check_practical(practical)
    levels, values = _arranged(frame, value, names, replicate)
    sign = 1 if maximize else -1
    return levels, standings(sign * values, default_practical(values, sign) if practical is None else practical)


def ranking(levels: pd.DataFrame, found: Standings, *, maximize: bool) -> pd.DataFrame:
    """What `rank` returns."""
    import numpy as np

    sign = 1 if maximize else -1
    ends = np.sort(sign * np.array([found.low, found.high]), axis=0)
    table = levels.assign(
        mean=sign * found.means,
        low=ends[0],
        high=ends[1],
        n=found.n,
        may_be_best=found.may_be_best,
        p_best=found.p_best,
        regret=found.regret,
        equivalent=found.equivalent,
    )
    ranked: pd.DataFrame = table.iloc[found.order].reset_index(drop=True)
    return ranked


def _check_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    columns: list[Hashable] = list(frame.columns)
    for name in names:
        if columns.count(name) == 1:
            continue
        if name in columns:
            raise UserError(
                f"The results have column {name!r} {columns.count(name)} times. Rename all but one of them."
            )
        listed = ", ".join(map(str, columns[:_LISTED])) + (", …" if len(columns) > _LISTED else "")
        close = difflib.get_close_matches(name, map(str, columns), n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        raise UserError(f"The results have no column {name!r}.{meant} They have {listed}.")
    if len(names) < 3 or len(set(names)) < len(names):
        raise UserError(
            "Ranking needs a column of scores, one or more that make a configuration, and one of replicates, all "
            f"different; it was given {', '.join(names)}."
        )
    if taken := set(names[1:-1]) & set(_RESULT):
        raise UserError(
            f"A column of configurations cannot be called {taken.pop()!r}, as the ranking has one. Rename it."
        )
    if frame.empty:
        raise UserError("There are no results to rank: the table has no row.")


def _check_practical(practical: float | None) -> None:
    if practical is not None and not (practical >= 0 and math.isfinite(practical)):
        raise UserError(f"practical must be a difference of 0 or more in the unit of the scores; it is {practical!r}.")


def _arranged(frame: pd.DataFrame, value: str, names: Sequence[str], replicate: str) -> tuple[pd.DataFrame, Floats]:
    """The levels of each configuration, and scores, (configurations, replicates), whatever the order of the rows."""
    import numpy as np

    scores = _numbers(frame, value)
    configurations, cell = _numbered(frame, names)
    replicates, column = _numbered(frame, [replicate])
    values = np.full((len(configurations), len(replicates)), math.nan)
    counts = np.zeros(values.shape, int)
    np.add.at(counts, (cell, column), 1)
    if (counts > 1).any():
        raise UserError(_told_twice(frame, names, replicate, counts[cell, column] > 1))
    values[cell, column] = scores
    return configurations, values


def _numbers(frame: pd.DataFrame, value: str) -> Floats:
    import numpy as np
    import pandas as pd

    numbers = pd.to_numeric(frame[value], errors="coerce").to_numpy(float, na_value=math.nan)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        shown = ", ".join(f"{frame[value].iloc[place]} in row {place}" for place in bad[:_SHOWN])
        more = f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise UserError(
            f"Column {value!r} has values that are no finite numbers: {shown}{more} (rows count from 0). A run that "
            "diverged has an answer, too: give it the score of a constant prediction. Leave out runs that broke."
        )
    return numbers


def _numbered(frame: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, Any]:
    """The distinct rows of some columns, sorted by how they are written, and which of them each row has."""
    import numpy as np

    columns = frame[list(names)].astype(object)
    texts = list(zip(*(columns[name].map(repr) for name in names), strict=True))
    distinct = sorted(dict.fromkeys(texts))
    places = {text: place for place, text in enumerate(distinct)}
    numbers = np.array([places[text] for text in texts])
    first = [int(np.flatnonzero(numbers == place)[0]) for place in range(len(distinct))]
    return frame[list(names)].iloc[first].reset_index(drop=True), numbers


def _told_twice(frame: pd.DataFrame, names: Sequence[str], replicate: str, twice: Any) -> str:
    row = frame[twice].iloc[0]
    which = ", ".join(f"{name}={row[name]}" for name in (*names, replicate))
    return (
        f"Two runs or more have {which}, and each configuration has a replicate once. Name every column that makes a "
        "configuration, or leave out the runs that do not count."
    )
