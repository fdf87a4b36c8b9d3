"""Studies and trials as JSON and as rows, for scripts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hpstudy.records import Baselines, TrialRecord
from hpstudy.study.factors import Level, loss_of
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    from hpstudy.storage import Progress

CONSTANT = "constant predictor"
EXPORT_COLUMNS = (
    "number",
    "state",
    "params",
    "replicate",
    "cell",
    "attempt",
    "retry_of",
    "repeats",
    "role",
    "turn",
    "confirms",
    "diverged",
    "seed",
    "value",
    "values",
    "metrics",
    "history",
    "started",
    "duration_s",
    "host",
    "device",
    "error",
)
_NESTED = ("params", "metrics", "history", "values")  # in a table each entry is a column, or is left out


def status_json(study: Study, progress: Progress, best: Sequence[TrialRecord]) -> dict[str, Any]:
    return {
        "study": study.name,
        "state": str(progress.state),
        "budget": progress.budget,
        "most": progress.most,  # what the budget can become
        "ended_early": progress.ended_early,
        "trials": {
            "complete": progress.complete,
            "pruned": progress.pruned,
            "failed": progress.failed,
            "running": progress.running,
            "waiting": progress.waiting,
            "lost": progress.lost,
        },
        "diverged": progress.diverged,  # of the complete ones
        "best": best_json(best[0]) if best else None,
    }


def best_json(record: TrialRecord) -> dict[str, Any]:
    return {"trial": record.number, "value": record.value, "params": dict(record.params)}


def trial_json(record: TrialRecord, *, history: bool) -> dict[str, Any]:
    """One row of `export`. A number that is not finite becomes null, because JSON cannot write it."""
    row = {
        "number": record.number,
        "state": str(record.state),
        "params": dict(record.params),
        "replicate": record.replicate,
        "cell": record.cell,
        "attempt": record.attempt,
        "retry_of": record.retry_of,
        "repeats": record.repeats,
        "role": record.role,
        "turn": record.turn,
        "confirms": record.confirms,
        "diverged": record.diverged,
        "seed": record.seed,
        "value": record.value,
        "values": list(record.values) if record.values else None,
        "metrics": finite(record.metrics),
        "history": [finite(epoch.to_json()) for epoch in record.history],
        "started": record.started.isoformat() if record.started else None,
        "duration_s": record.duration_s,
        "host": record.host,
        "device": record.device,
        "error": record.error,
    }
    return {column: row[column] for column in EXPORT_COLUMNS if history or column != "history"}


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def export_table(
    study: Study, records: Sequence[TrialRecord], *, write: Callable[[str, Level], str] | None = None
) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of all trials, with a column for each factor and each metric.

    Args:
        write: How a level of a factor is written; None: levels stay what they are.
    """
    columns = [column for column in EXPORT_COLUMNS if column not in _NESTED]
    metrics = list(dict.fromkeys(metric for record in records for metric in record.metrics))
    rows = []
    for record in records:
        row, levels = trial_json(record, history=False), record.params
        written = {name: write(name, level) for name, level in levels.items() if level is not None} if write else levels
        rows.append(
            [
                *(row[column] for column in columns),
                *(written.get(factor) for factor in study.domains),
                *(row["metrics"].get(metric) for metric in metrics),
            ]
        )
    names = [*columns, *(f"params.{factor}" for factor in study.domains), *(f"metrics.{metric}" for metric in metrics)]
    return names, rows


def constant_scores(study: Study, baselines: Baselines | None) -> Mapping[str, float]:
    """What the constant predictor reaches, by the names of a trial's metrics.

    Before it was scored on the rows of the study, of one that holds all classes for equally frequent.
    """
    from hpstudy.analysis.divergence import chance_scores

    return baselines.constant if baselines else chance_scores(study.dataset_info, loss_of(study.config({})))
