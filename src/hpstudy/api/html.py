"""How a result is displayed in a notebook. All text from users is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from hpstudy.records import TrialRecord
from hpstudy.settings import Settings
from hpstudy.study.spec import Study
from hpstudy.tracking import tracker_of

if TYPE_CHECKING:
    from hpstudy.storage import Progress


def result_html(
    settings: Settings, study: Study, progress: Progress, front: Sequence[TrialRecord], findings: Sequence[str]
) -> str:
    """State, best trials, findings, and a link to the tracker."""
    return "\n".join(_result(settings, study, progress, front, findings))


def problem_html(name: str, problem: str) -> str:
    """What is displayed for a study that cannot be read."""
    return f"<div><h4>{escape(name)}</h4><p>{escape(problem)}</p></div>"


def _result(
    settings: Settings, study: Study, progress: Progress, front: Sequence[TrialRecord], findings: Sequence[str]
) -> Iterator[str]:
    yield f"<div><h4>{escape(study.name)}</h4>"
    if study.question:
        yield f"<p><em>{escape(study.question)}</em></p>"
    yield f"<p>{escape(_state(progress))}</p>"
    if front:
        yield _best(study, front)
    if findings:
        yield "<ul>" + "".join(f"<li>{escape(finding)}</li>" for finding in findings) + "</ul>"
    link = tracker_of(settings).link(study.name)
    yield f"<p>{link}</p></div>" if link else "</div>"


def _state(progress: Progress) -> str:
    diverged = f" ({progress.diverged} diverged)" if progress.diverged else ""
    counts = f"{progress.complete} complete{diverged}, {progress.pruned} pruned, {progress.failed} failed"
    running = f", {progress.running} in training" if progress.running else ""
    return f"{progress.state.capitalize()}: {progress.ended} of {progress.budget} trials ({counts}{running})."


def _best(study: Study, front: Sequence[TrialRecord]) -> str:
    """The best trial, or a row for each trial of the Pareto front."""
    metrics = [objective.metric for objective in study.objectives]
    head = "".join(
        f"<th>{escape(name)}</th>" for name in ("best trial" if len(metrics) == 1 else "trial", *metrics, "levels")
    )
    texts = study.texts_beside(record.params for record in front)
    rows = [
        (str(record.number), *(f"{value:.4f}" for value in record.values or ()), texts.describe(record.params) or "–")
        for record in front
    ]
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
