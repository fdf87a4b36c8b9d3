"""MLflow's page of a study as it opens: a shared view, which MLflow keeps as a tag of the experiment.

Read from MLflow 3.17's page: the keys are those of its own state, and what it does not know it leaves out.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from hpstudy.errors import NotFoundError
from hpstudy.study.legal import unknown
from hpstudy.study.metrics import DEFAULT_METRIC
from hpstudy.study.spec import Study
from hpstudy.tracking.mlflow.contents import ROLE_TAG, param_keys

_KEY = "hpstudy"  # a person's own views have digests for keys
VIEW_TAG = f"mlflow.sharedViewState.{_KEY}"
VIEW_CHARACTERS = 20_000  # the most that a tag of an experiment holds
_SECTION = "hpstudy.study"
_FOLDED = ("Model metrics", "System metrics", "gradient_norm")  # MLflow draws a chart there for every metric it finds


def addresses(client: Any, study: str | None, base: str) -> dict[str, str]:
    """Study → the address of its page, newest first. Raises NotFoundError if MLflow does not have the study."""
    found = client.search_experiments()
    if study is None:
        wanted = [one for one in found if VIEW_TAG in one.tags]
    elif not (wanted := [one for one in found if one.name == study]):
        raise NotFoundError(unknown("experiment", study, [one.name for one in found]))
    return {one.name: _address(base, one.experiment_id, has_view=VIEW_TAG in one.tags) for one in wanted}


def _address(base: str, experiment_id: str, *, has_view: bool) -> str:
    """The address of a study's runs in the mode for training; with charts and columns as the shared view has them."""
    view = {"viewStateShareKey": _KEY} if has_view else {}
    query = urlencode({"workflowType": "machine_learning", "compareRunsMode": "CHART", **view})
    return f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs?{query}"


def shared_view(study: Study) -> str:
    """The text of the tag `VIEW_TAG`. It depends on the declaration alone."""
    factors = list(param_keys(study).values())
    state = {
        "searchFilter": f"tags.`{ROLE_TAG}` = 'trial'",  # flat: MLflow nests runs only where they are sorted by time
        "orderByKey": "metrics.`objective`",
        "orderByAsc": not study.objectives[0].maximizes,
        "selectedColumns": _columns(study, factors),
        "groupBy": _grouping(study),
        "groupsExpanded": {},
        "useGroupedValuesInCharts": True,
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": _charts(study),
        "compareRunSections": [_section(_SECTION, study.name, True), *(_section(name, name) for name in _FOLDED)],
        "isAccordionReordered": True,  # otherwise MLflow sorts the sections by name
        "hideEmptyCharts": True,
    }
    return json.dumps(state, ensure_ascii=False, separators=(",", ":"))


def _columns(study: Study, factors: list[str]) -> list[str]:
    metrics = ["objective", *_watched(study), "train_s"]
    return [
        *(f"metrics.`{name}`" for name in dict.fromkeys(metrics)),
        *(f"params.`{name}`" for name in factors),
        "tags.`hpstudy.state`",
        "attributes.`Duration`",
    ]


def _grouping(study: Study) -> dict[str, Any] | None:
    """Replicates of a configuration are one line. A search's trials are configurations of their own."""
    if not study.design.has_cells or study.design.most < 2:
        return None
    keys = param_keys(study)
    by = [{"mode": "param", "groupByData": keys[name]} for name in study.vary]
    return {"aggregateFunction": "average", "groupByKeys": by}


def _charts(study: Study) -> list[dict[str, Any]]:
    objective, (training, validation) = study.objectives[0].metric, _watched(study)
    lines = []
    if objective in (training, validation):
        lines.append(_line(f"{objective} by epoch", objective))
        lines.append(_line(f"{training} (training) against {validation} (validation)", training, validation))
    bars = {**_chart("BAR", f"Objective: {objective}"), "metricKey": "objective"}
    charts = [*lines, bars]
    if _grouping(study) is None:  # MLflow draws no parallel coordinates of groups whose factors are texts
        keys = param_keys(study)  # MLflow draws no line of a run that lacks one of them
        always = [keys[name] for name, domain in study.domains.items() if not domain.when]
        parallel = {"selectedParams": always, "selectedMetrics": ["objective"], "showAllRuns": True}
        charts = [{**_chart("PARALLEL", f"Factors and {objective}"), **parallel}, bars, *lines]
    return [{**chart, "uuid": f"{_SECTION}.{place}"} for place, chart in enumerate(charts)]


def _watched(study: Study) -> tuple[str, str]:
    """The pair of epoch metrics nearest to the objective: of training and of validation."""
    metric = study.objectives[0].metric
    validation = "val_loss" if metric.endswith("loss") else DEFAULT_METRIC[study.dataset_info.task]
    return validation.removeprefix("val_"), validation


def _line(title: str, *metrics: str) -> dict[str, Any]:
    return {
        **_chart("LINE", title),
        "metricKey": metrics[0],
        "selectedMetricKeys": list(metrics),
        "lineSmoothness": 0,
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "range": {},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def _chart(kind: str, title: str) -> dict[str, Any]:
    return {
        "type": kind,
        "displayName": title,
        "metricSectionId": _SECTION,
        "deleted": False,
        "isGenerated": False,
        "runsCountToCompare": 100,
    }


def _section(uuid: str, name: str, is_open: bool = False) -> dict[str, Any]:
    return {"uuid": uuid, "name": name, "display": is_open, "isReordered": False, "deleted": False}
