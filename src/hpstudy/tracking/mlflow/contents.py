"""What MLflow should hold about a study and each of its trials. Pure: records go in, contents of runs come out."""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hpstudy.analysis.best import front
from hpstudy.errors import UserError
from hpstudy.plain import markdown
from hpstudy.records import Diagnostics, StudyState, TrialRecord, TrialState
from hpstudy.study.designs import Compare, Grid
from hpstudy.study.domains import Choice, Float
from hpstudy.study.factors import Level, describe
from hpstudy.study.short import short_levels
from hpstudy.study.spec import Study

STUDY_TAG = "hpstudy.study"
ROLE_TAG = "hpstudy.role"
TRIAL_TAG = "hpstudy.trial"
PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"
MODEL_TAG = "hpstudy.model"  # on the study's run: where its evaluated model is
ID_TAG = "hpstudy.study_id"  # which study of this name, because several databases may have one
TEST_TAG = "hpstudy.test_score"  # of the study's run: what the test accuracy is of
EVALUATED_TAG = "hpstudy.evaluated_at"  # on a logged model: which evaluation it belongs to

TABLE_HEAD = "| | |\n|---|---|\n| dataset |"  # in every description
_TAG_CHARACTERS = 8000  # MLflow's limits
_PARAM_CHARACTERS = 6000
_DIGEST_CHARACTERS = 36
_KEY_CHARACTERS = 250
_NAME_CHARACTERS = 100  # of a run's name: MLflow's table cuts off the rest
BATCH_POINTS = 800  # in one request to MLflow, which takes 1,000 entries of all kinds together
_ILLEGAL_IN_KEYS = re.compile(r"[^\w.\- :]")
_STATUS = {
    TrialState.RUNNING: "RUNNING",
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "FINISHED",
    TrialState.FAILED: "FAILED",
    TrialState.LOST: "KILLED",
}
_STUDY_STATUS = {
    StudyState.RUNNING: "RUNNING",
    StudyState.FINISHED: "FINISHED",
    StudyState.STOPPED: "KILLED",
}

Hide = Callable[[str], str]  # removes passwords from a text that a person or a library wrote


@dataclass(frozen=True, kw_only=True)
class Point:
    """One value of a metric."""

    key: str
    value: float
    at_ms: int  # the time of the event: MLflow recognizes a point that it already has only if this is the same
    step: int


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The logged input of a run."""

    name: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class RunContent:
    """A run as it should be."""

    name: str
    first_name: str  # its name while its levels are not known yet
    status: str  # in MLflow's words
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: tuple[Point, ...] = ()  # in the order in which they are sent; new ones are appended
    started_ms: int | None = None
    identity_ms: int | None = None  # a run with a different start time is a different run
    ended_ms: int | None = None
    dataset: Dataset | None = None
    fixed_tags: Mapping[str, str] = field(default_factory=dict)  # set when the run is created, then left to people


def trial_content(study: Study, record: TrialRecord, parent_id: str, hide: Hide = str) -> RunContent:
    """The run of one trial. For a trial that was just claimed, it has only the levels decided so far."""
    digest = record.provenance.get("dataset_digest")
    is_decided = _is_decided(study, record)
    first_name = f"trial {record.number}"
    return RunContent(
        name=trial_name(study, record) if is_decided else first_name,
        first_name=first_name,
        status=_STATUS[record.state],
        tags=_tags(_trial_tags(study, record, parent_id, hide)),
        params=param_texts(study, study.config(record.params) if is_decided else record.params),
        points=_points(record),
        started_ms=_milliseconds(record.started),
        identity_ms=_milliseconds(record.started),
        ended_ms=_milliseconds(record.ended),
        dataset=Dataset(name=str(study.dataset), digest=digest[:_DIGEST_CHARACTERS]) if digest else None,
    )


def study_content(study: Study, trials: Sequence[TrialRecord], state: StudyState, hide: Hide = str) -> RunContent:
    """The parent run of a study.

    Args:
        state: The state of the study: running, finished or stopped.
    """
    starts = [record.started for record in trials if record.started]
    ends = [record.ended for record in trials if record.ended]
    ended_ms = _milliseconds(max(ends, default=None))
    is_finished = state == StudyState.FINISHED
    best = front(study, trials) if is_finished else []
    tags = {STUDY_TAG: study.name, ROLE_TAG: "study", "hpstudy.state": state}
    if is_finished:
        counts = Counter(record.state for record in trials)
        told = (f"{counts[state]} {state}" for state in TrialState if state != TrialState.RUNNING)
        tags["hpstudy.trials"] = ", ".join(told)
    if best:
        tags["hpstudy.best_trial"] = ", ".join(str(record.number) for record in best)
    return RunContent(
        name=study.name,
        first_name=study.name,
        status=_STUDY_STATUS[state],
        tags=_tags(tags),
        params=_params(_summary(study).items()),
        points=tuple(_study_points(study, trials, best, ended_ms or 0)) if is_finished else (),
        started_ms=_milliseconds(min(starts, default=None)),
        ended_ms=ended_ms,
        fixed_tags=_tags({NOTE_TAG: hide(description(study))}),
    )


def trial_name(study: Study, record: TrialRecord) -> str:
    """The levels that vary, in short: `adam · lr 0.001 · r2`."""
    parts = short_levels(study, record.params)
    if study.design.most > 1 and (study.design.has_cells or record.role == "confirmation"):
        parts.append(f"r{record.replicate}")
    if record.role == "confirmation":
        parts.append("confirmation")
    if record.attempt > 1:
        parts.append(f"attempt {record.attempt}")
    return _cut(" · ".join(parts) or f"trial {record.number}", _NAME_CHARACTERS)


def description(study: Study) -> str:
    """The question and the declaration, in Markdown."""
    rows = {**_summary(study), "base": describe(study.base)}
    rows |= {f"**{markdown(name, github=True)}**": _domain_text(study, name) for name in study.domains}
    table = "\n".join(f"| {name} | {markdown(text, github=True)} |" for name, text in rows.items())
    return f"{study.question.strip()}\n\n| | |\n|---|---|\n{table}".strip()


def _is_decided(study: Study, record: TrialRecord) -> bool:
    """Whether all levels are known: a sampler decides them one by one, and the database shows the steps in between."""
    try:
        study.check_params(record.params)
    except UserError:
        return False
    return True


def _trial_tags(study: Study, record: TrialRecord, parent_id: str, hide: Hide) -> dict[str, object]:
    provenance = {f"hpstudy.{name}": hide(value) for name, value in record.provenance.items()}
    return {
        **provenance,
        PARENT_TAG: parent_id,
        STUDY_TAG: study.name,
        ROLE_TAG: "trial",
        TRIAL_TAG: record.number,
        "hpstudy.state": record.state.value,
        "hpstudy.cell": record.cell,
        "hpstudy.replicate": record.replicate,
        "hpstudy.seed": record.seed,
        "hpstudy.attempt": record.attempt,
        "hpstudy.retry_of": record.retry_of,
        "hpstudy.repeats": record.repeats,
        "hpstudy.trial_role": record.role,
        "hpstudy.turn": record.turn,
        "hpstudy.confirms": record.confirms,
        "hpstudy.diverged": record.diverged,
        "hpstudy.dataset": str(study.dataset),
        "hpstudy.host": record.host,
        "hpstudy.device": record.device,
        "hpstudy.error": hide(record.error) if record.error else None,
        "hpstudy.pruned": "true" if record.state == TrialState.PRUNED else None,
        "mlflow.source.git.commit": record.provenance.get("git_commit"),
    }


def _points(record: TrialRecord) -> tuple[Point, ...]:
    """All points. Gradient norms only if they need no further request: the database and the report have them anyway."""
    points = (*_epoch_points(record), *_final_points(record))
    norms = tuple(_gradient_points(record)) if record.diagnostics else ()
    return (*points, *norms) if len(points) + len(norms) <= BATCH_POINTS else points


def _gradient_points(record: TrialRecord) -> Iterator[Point]:
    """`gradient_norm/hidden 1` and so on, by epoch; step 0 is before training."""
    begun_ms = _milliseconds(record.started) or 0
    times_ms = [begun_ms, *(round(epoch.at * 1000) for epoch in record.history)]
    layers = Diagnostics.from_text(record.diagnostics or "").layers
    keys = _keys(layer.name for layer in layers)
    for layer in layers:
        for step, (norm, at_ms) in enumerate(zip(layer.gradient_norms, times_ms, strict=False)):
            if norm is not None:
                yield Point(key=f"gradient_norm/{keys[layer.name]}", value=norm, at_ms=at_ms, step=step)


def _epoch_points(record: TrialRecord) -> Iterator[Point]:
    for epoch in record.history:
        for name, value in epoch.metrics.items():
            if _is_number(value):
                yield Point(key=_key(name), value=float(value), at_ms=round(epoch.at * 1000), step=epoch.number)
        for name, value in epoch.system.items():  # MLflow's page "System metrics" shows the metrics with this prefix
            yield Point(key=f"system/{name}", value=value, at_ms=round(epoch.at * 1000), step=epoch.number)


def _final_points(record: TrialRecord) -> Iterator[Point]:
    """What is known at the end only: the objective, training time, the number of parameters.

    Of a trial that diverged all scores are, in the epoch in which it did.
    """
    if record.state == TrialState.RUNNING:
        return
    step = record.diverged or (record.history[-1].number if record.history else 0)
    at_ms = _milliseconds(record.ended) or _milliseconds(record.started) or 0
    in_epochs = set() if record.diverged else {name for epoch in record.history for name in epoch.metrics}
    finals = {name: value for name, value in record.metrics.items() if name not in in_epochs}
    for place, value in enumerate(record.values or ()):
        finals["objective" if place == 0 else f"objective_{place + 1}"] = value
    for name, value in finals.items():
        if _is_number(value):
            yield Point(key=_key(name), value=float(value), at_ms=at_ms, step=step)


def _study_points(
    study: Study, trials: Sequence[TrialRecord], best: Sequence[TrialRecord], at_ms: int
) -> Iterator[Point]:
    """What studies are sorted by. The step is the number of trials, so that an extended study has its values last."""
    values: dict[str, float] = {}
    for place, objective in enumerate(study.objectives):
        reached = [record.values[place] for record in best if record.values]
        if reached:
            values[f"best_{objective.metric}"] = max(reached, key=objective.score)
    for name, value in values.items():
        yield Point(key=name, value=float(value), at_ms=at_ms, step=len(trials))


def _summary(study: Study) -> dict[str, str]:
    if isinstance(study.design, Grid):
        design = f"grid, {study.design.replicates} × {study.budget // study.design.most} cells"
    elif isinstance(study.design, Compare):
        searches = f"{study.design.replicates} × {len(study.cells())} cells, {study.design.trials} trials and a"
        design = f"compare, {searches} confirmation each, sampler {study.design.sampler}"
    else:
        pruner = "" if study.design.pruner == "none" else f", pruner {study.design.pruner}"
        given = f", {len(study.design.first)} given first" if study.design.first else ""
        design = f"search, sampler {study.design.sampler}{pruner}{given}"
    objectives = ", ".join(f"{objective.metric} ({objective.direction})" for objective in study.objectives)
    return {"dataset": str(study.dataset), "design": design, "budget": str(study.budget), "objective": objectives}


def _domain_text(study: Study, name: str) -> str:
    domain, texts = study.domains[name], study.texts
    if isinstance(domain, Choice):
        text = ", ".join(texts.text(name, level) for level in domain.levels)
    else:
        text = f"{texts.text(name, domain.low)} to {texts.text(name, domain.high)}" + (" (log)" if domain.log else "")
        text += f" in steps of {domain.step:g}" if isinstance(domain, Float) and domain.step is not None else ""
    conditions = " and ".join(
        f"{other} is {' or '.join(texts.text(other, level) for level in levels)}"
        for other, levels in domain.when.items()
    )
    return f"{text}, where {conditions}" if conditions else text


def param_texts(study: Study, levels: Mapping[str, Level], none: str | None = None) -> dict[str, str]:
    """Levels as texts for MLflow, under names that it accepts and that are different for each factor.

    Args:
        none: The text for the level None; if this is None itself, such a level is left out.
    """
    keys = _factor_keys(study)
    return _params(
        (keys.get(name, name), none if level is None else study.texts.full(name, level))
        for name, level in levels.items()
    )


def param_keys(study: Study) -> dict[str, str]:
    """The factors that vary → the names of their params in MLflow."""
    keys = _factor_keys(study)
    return {name: keys[name] for name in study.domains}


def _factor_keys(study: Study) -> dict[str, str]:
    return _keys((*study.config({}), *study.domains))


def _params(texts: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    return {key: _cut(text, _PARAM_CHARACTERS) for key, text in texts if text is not None}


def _tags(values: Mapping[str, object]) -> dict[str, str]:
    return {name: cut_tag(str(value)) for name, value in values.items() if value is not None}


def cut_tag(text: str) -> str:
    """The text, cut to what an MLflow tag can hold."""
    return _cut(text, _TAG_CHARACTERS)


def _keys(names: Iterable[str]) -> dict[str, str]:
    """Name → its key in MLflow: the name itself if it is legal, otherwise a similar key that no other name has."""
    names = list(names)
    keys = {name: name for name in names if _key(name) == name}
    taken = set(keys)
    for name in names:
        if name not in keys:
            wanted = _key(name)
            others = (f"{wanted[: _KEY_CHARACTERS - 8]}{number}" for number in itertools.count(2))
            keys[name] = next(key for key in itertools.chain((wanted,), others) if key not in taken)
            taken.add(keys[name])
    return keys


@functools.lru_cache(maxsize=10_000)
def _key(name: str) -> str:
    """A legal key: the name of a user's own factor may have characters that MLflow refuses."""
    return _ILLEGAL_IN_KEYS.sub("_", name)[:_KEY_CHARACTERS]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _milliseconds(moment: datetime | None) -> int | None:
    return round(moment.timestamp() * 1000) if moment else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
