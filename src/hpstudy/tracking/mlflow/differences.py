"""What to send so that a run becomes what it should be. Pure, and empty if the two agree."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hpstudy.tracking.mlflow.contents import ROLE_TAG, Dataset, Point, RunContent

POINTS_TAG = "hpstudy.points"  # the number of points sent; MLflow writes a batch's tags after its metrics


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A run as MLflow has it."""

    run_id: str
    name: str
    status: str
    started_ms: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]  # the latest value of each metric
    has_dataset: bool

    @property
    def points_sent(self) -> int:
        text = self.tags.get(POINTS_TAG, "")
        return int(text) if text.isdecimal() else 0


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a run lacks."""

    params: Mapping[str, str]
    points: Sequence[Point]
    tags: Mapping[str, str]
    dataset: Dataset | None
    name: str | None
    status: str | None

    def __bool__(self) -> bool:
        return bool(self.params or self.points or self.tags or self.dataset or self.name or self.status)


def difference(content: RunContent, seen: Seen) -> Changes:
    """What to send. Points that MLflow already has are left out, provided that the latest values agree."""
    sent = seen.points_sent
    if content.tags.get(ROLE_TAG) == "study":
        sent = min(sent, len(content.points))  # earlier versions sent more of a study
    if sent <= len(content.points) and not _agree(content.points[:sent], seen.metrics):
        sent = 0
    points = content.points[sent:]
    tags = {name: text for name, text in content.tags.items() if seen.tags.get(name) != text}
    if points:
        tags[POINTS_TAG] = str(len(content.points))
    return Changes(
        params={name: text for name, text in content.params.items() if name not in seen.params},
        points=points,
        tags=tags,
        dataset=None if seen.has_dataset else content.dataset,
        name=content.name if content.name != seen.name == content.first_name else None,  # people may rename it
        status=content.status if content.status != seen.status else None,
    )


def is_another(content: RunContent, seen: Seen) -> bool:
    """Whether the run belongs to something else: MLflow cannot change the params and the start of a run.

    This happens if a study was deleted and created again while MLflow could not be reached, or if it was extended.
    """
    changed = any(seen.params.get(name, text) != text for name, text in content.params.items())
    return changed or content.identity_ms not in (None, seen.started_ms)


def after(seen: Seen, changes: Changes) -> Seen:
    """The run after the changes have been sent."""
    return replace(
        seen,
        name=changes.name or seen.name,
        status=changes.status or seen.status,
        tags={**seen.tags, **changes.tags},
        params={**seen.params, **changes.params},
        metrics={**seen.metrics, **{point.key: point.value for point in changes.points}},
        has_dataset=seen.has_dataset or changes.dataset is not None,
    )


def _agree(points: Sequence[Point], metrics: Mapping[str, float]) -> bool:
    latest = {point.key: point.value for point in points}
    return all(key in metrics and _same(value, metrics[key]) for key, value in latest.items())


def _same(ours: float, theirs: float) -> bool:
    """Compare two values: MLflow keeps NaN, but stores an infinite number as the largest finite one."""
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    largest = sys.float_info.max
    return min(max(ours, -largest), largest) == min(max(theirs, -largest), largest)
