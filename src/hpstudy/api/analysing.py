"""Results of any tool, ranked with the methods of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from hpstudy.api.host import unchanged
from hpstudy.api.where import Where, settings_of
from hpstudy.errors import NotFoundError, UserError, reason

if TYPE_CHECKING:
    import pandas as pd

_PREFIXES = ("params.", "metrics.", "tags.", "tags.hpstudy.")  # of the columns that trackers and `hpstudy export` have
_COMPLETE = {"complete", "FINISHED"}  # states of runs that have a result, as `hpstudy export` and trackers write them


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What results of any tool say."""

    table: pd.DataFrame  # a row for each configuration, as `hpstudy.analysis.rank` gives it
    findings: tuple[str, ...]  # the answer, in a few lines


@unchanged()
def analyse(
    source: str | PathLike[str] | pd.DataFrame,
    *,
    value: str,
    by: str | Sequence[str],
    replicate: str,
    minimize: bool = False,
    practical: float | None = None,
    **where: Unpack[Where],
) -> Ranking:
    """Rank results that any tool has made; nothing is trained.

    Args:
        source: A CSV or Parquet file with a row for each run; `mlflow:NAME`, an experiment of the tracker; or a data
            frame.
        value, by, replicate, practical: As of `hpstudy.analysis.rank`. A column such as `params.lr` may be called `lr`.
        minimize: Whether a lower value is better.
        where: Which tracker, as for `hpstudy.open`.

    Raises:
        NotFoundError: there is no such file or experiment.
        UserError: the results cannot be read, or not be ranked; the message says why.
    """
    from hpstudy.analysis.results import assessed, ranking
    from hpstudy.report.answer import answer

    frame = _read(source, where)
    names = [_column(frame, name) for name in ([by] if isinstance(by, str) else by)]
    score, seed = _column(frame, value), _column(frame, replicate)
    if "run_id" in frame.columns:  # a tracker keeps runs of other kinds beside those of an experiment's trials
        frame = frame.dropna(subset=[name for name in (score, seed) if name in frame.columns])
    levels, found = assessed(
        frame,
        value=score,
        by=names,
        replicate=seed,
        maximize=not minimize,
        practical=practical,
    )
    told = [", ".join(map(_short, names, row)) for row in levels.itertuples(index=False)]
    lines = answer(found, told, metric=value, sign=-1 if minimize else 1)
    return Ranking(table=ranking(levels, found, maximize=not minimize), findings=tuple(lines))


def _read(source: str | PathLike[str] | pd.DataFrame, where: Where) -> pd.DataFrame:
    from hpstudy.tracking import tracker_of

    if not isinstance(source, str | PathLike):
        return source
    settings = settings_of(where)
    tracker, name = tracker_of(settings), str(source)
    frame = tracker.runs(name.partition(":")[2]) if name.startswith(f"{tracker.scheme}:") else _read_file(Path(source))
    states = frame["state"] if "state" in frame.columns else frame.get("status")
    return frame if states is None or not states.isin(_COMPLETE).any() else frame[states.isin(_COMPLETE)]


def _read_file(path: Path) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        raise NotFoundError(f"There is no file {path}. Results are read from a CSV or Parquet file, or from a tracker.")
    try:
        return pd.read_parquet(path) if path.suffix.lower() in (".parquet", ".pq") else pd.read_csv(path)
    except (ValueError, OSError) as error:  # pandas' and pyarrow's own are of these
        raise UserError(f"{path} cannot be read as a table: {reason(error)}") from None


def _column(frame: pd.DataFrame, name: str) -> str:
    """The column that is meant: trackers put `params.` before a parameter's name."""
    return next((full for prefix in ("", *_PREFIXES) if (full := prefix + name) in frame.columns), name)


def _short(name: str, level: object) -> str:
    """A text speaks for itself; a number needs the name of its column."""
    if isinstance(level, str):
        return level
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return f"{name} {level:g}" if isinstance(level, float) else f"{name} {level}"
