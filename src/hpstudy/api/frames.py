"""The trials of a study as pandas DataFrames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hpstudy.api.rows import export_table
from hpstudy.records import TrialRecord
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    import pandas as pd

_WHOLE = ("cell", "retry_of", "turn", "confirms", "diverged")  # numbers that a trial may not have
_TEXTS = ("state", "role", "host", "device", "error")


def trials_frame(study: Study, records: Sequence[TrialRecord]) -> pd.DataFrame:
    """A row for each trial, with the columns of `hpstudy export --format csv`."""
    import pandas as pd

    columns, rows = export_table(study, records)
    frame = pd.DataFrame(rows, columns=columns)
    frame["started"] = pd.to_datetime(frame["started"], utc=True, format="ISO8601")
    floats = [name for name in columns if name.startswith("metrics.") or name in ("value", "duration_s")]
    types = dict.fromkeys(_WHOLE, "Int64") | dict.fromkeys(_TEXTS, "str") | dict.fromkeys(floats, "float64")
    return frame.astype(types)


def history_frame(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """A row for each trial and epoch: the trial's number, the epoch from 1, when it ended, its metrics."""
    import pandas as pd

    rows = [_epoch_row(record.number, epoch.to_json()) for record in records for epoch in record.history]
    columns = dict.fromkeys(("number", "epoch", "at", *(name for row in rows for name in row)))
    frame = pd.DataFrame(rows, columns=list(columns))
    frame["at"] = pd.to_datetime(frame["at"].astype("float64"), utc=True, unit="s")
    return frame.astype(dict.fromkeys(("number", "epoch"), "int64"))


def _epoch_row(number: int, epoch: dict[str, Any]) -> dict[str, Any]:
    return {"number": number, **{name: math.nan if value is None else value for name, value in epoch.items()}}
