"""The runs of an experiment as a table, whoever made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpstudy.errors import NotFoundError
from hpstudy.study.legal import unknown

if TYPE_CHECKING:
    import pandas as pd

_PAGE_RUNS = 1000


def read_runs(client: Any, experiment: str) -> pd.DataFrame:
    """A row for each run, with its parameters, last metrics and tags, and `status` as MLflow has it.

    Numbers among the parameters become numbers where all runs have one.

    Raises:
        NotFoundError: there is no such experiment, or it has no run.
    """
    import pandas as pd

    found = client.get_experiment_by_name(experiment)
    if found is None:
        raise NotFoundError(unknown("experiment", experiment, [one.name for one in client.search_experiments()]))
    rows, token = [], None
    while token is None or token:
        page = client.search_runs([found.experiment_id], max_results=_PAGE_RUNS, page_token=token)
        rows += [_row(run) for run in page]
        token = page.token or ""
    if not rows:
        raise NotFoundError(f"Experiment {experiment!r} has no run.")
    frame = pd.DataFrame(rows)
    for name in frame.columns:
        if name.startswith("params."):
            numbers = pd.to_numeric(frame[name], errors="coerce")
            if numbers.notna().sum() == frame[name].notna().sum():
                frame[name] = numbers
    return frame


def _row(run: Any) -> dict[str, Any]:
    return {
        "run_id": run.info.run_id,
        "status": run.info.status,
        **{f"params.{name}": text for name, text in run.data.params.items()},
        **{f"metrics.{name}": value for name, value in run.data.metrics.items()},
        **{f"tags.{name}": text for name, text in run.data.tags.items() if not name.startswith("mlflow.")},
    }
