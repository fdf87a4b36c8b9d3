"""Optuna's trials ↔ hpstudy's records. Only this module knows the names of Optuna's user attributes."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from hpstudy.owner import Owner
from hpstudy.records import Epoch, TrialRecord, TrialState
from hpstudy.study.distributions import distribution, exact_level
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study

START = "hpstudy.start"  # set when it is created: the fields of `Start`, owner, at, token
RESULT = "hpstudy.result"  # set when it ends: an `Outcome` and the time
LOST = "hpstudy.lost"  # set when a lost trial is failed: reason, released, at
_OF_SEARCHES = ("turn", "confirms")
MAX_ATTEMPTS = 3  # of a trial whose process dies under it

_OPTUNA = optuna.trial.TrialState


@dataclass(frozen=True, kw_only=True)
class Start:
    """What is decided when a trial is created, possibly before its parameters are known."""

    replicate: int
    seed: int
    cell: int | None = None
    given: int | None = None  # the index of the given configuration that it tries
    attempt: int = 1
    retry_of: int | None = None
    turn: int | None = None  # which trial of its search it is, from 0; in a design of many searches
    confirms: int | None = None  # the number of the trial whose configuration is trained once more

    @classmethod
    def of(cls, trial: FrozenTrial) -> Start:
        values = trial.user_attrs.get(START, {})
        names = (field.name for field in fields(cls))
        return cls(**{"replicate": 0, "seed": 0, **{name: values[name] for name in names if name in values}})

    def to_json(self) -> dict[str, Any]:
        """Without what only designs with confirmations have, where there is none."""
        return {name: value for name, value in vars(self).items() if value is not None or name not in _OF_SEARCHES}


def template(
    study: Study, start: Start, params: Mapping[str, Level], owner: Owner, *, number: int, token: str
) -> FrozenTrial:
    """A running trial, to be created in one transaction with everything that is known about it.

    Args:
        number: The number that the trial must get; otherwise it is not created.
        token: Shows its creator that it was created, even if the answer to the commit is lost.
    """
    now = datetime.now(UTC)
    attributes = {**start.to_json(), "owner": owner.to_json(), "at": now.timestamp(), "token": token}
    trial = optuna.trial.create_trial(
        state=_OPTUNA.RUNNING,
        params=dict(params),
        distributions={name: distribution(study.domains[name]) for name in params},
        user_attrs={START: attributes},
    )
    trial.datetime_start = now.astimezone().replace(tzinfo=None)  # Optuna stores local times
    trial.number = number
    return trial


def params_of(trial: FrozenTrial) -> dict[str, Level]:
    """The levels of a trial, as they were trained."""
    return {name: exact_level(trial.distributions[name], level) for name, level in trial.params.items()}


def token_of(trial: FrozenTrial) -> str | None:
    token: str | None = trial.user_attrs.get(START, {}).get("token")
    return token


def owner_of(trial: FrozenTrial) -> Owner | None:
    values = trial.user_attrs.get(START, {}).get("owner")
    return Owner.from_json(values) if values else None


def lost_mark(reason: str, *, released: bool, now: datetime) -> dict[str, Any]:
    """The attribute of a lost trial. A released trial was given back on purpose, which is not a failed attempt."""
    return {"reason": reason, "released": released, "at": now.timestamp()}


def state_of(trial: FrozenTrial, again: Container[int] = ()) -> TrialState | None:
    """The state of a trial; None for Optuna's waiting trials, which hpstudy does not create.

    Args:
        again: Numbers of failed trials that the user wants tried again.
    """
    if trial.state == _OPTUNA.FAIL:
        return TrialState.LOST if trial.number in again or is_retried(trial) else TrialState.FAILED
    return {
        _OPTUNA.RUNNING: TrialState.RUNNING,
        _OPTUNA.COMPLETE: TrialState.COMPLETE,
        _OPTUNA.PRUNED: TrialState.PRUNED,
    }.get(trial.state)


def was_given_back(trial: FrozenTrial) -> bool:
    """Whether a lost trial was given back on purpose, such as by Ctrl-C."""
    return is_retried(trial) and bool(trial.user_attrs[LOST]["released"])


def is_retried(trial: FrozenTrial) -> bool:
    """Whether a failed trial is to be tried again: it was lost, but not too often."""
    lost = trial.user_attrs.get(LOST)
    if lost is None or RESULT in trial.user_attrs:
        return False
    return bool(lost["released"]) or Start.of(trial).attempt < MAX_ATTEMPTS


def next_attempt(trial: FrozenTrial) -> Start:
    """The start of the trial that tries a lost one again."""
    start = Start.of(trial)
    was_lost = is_retried(trial)  # if not, it failed, and the user wants it tried from the beginning
    attempt = start.attempt + (not trial.user_attrs[LOST]["released"]) if was_lost else 1
    return replace(start, attempt=attempt, retry_of=trial.number)


def record_of(trial: FrozenTrial, again: Container[int] = ()) -> TrialRecord | None:
    """The record of a trial; None for a trial that hpstudy did not create."""
    state = state_of(trial, again)
    if state is None:
        return None
    start, begun = Start.of(trial), trial.user_attrs.get(START, {})
    result = trial.user_attrs.get(RESULT, {})
    lost = trial.user_attrs.get(LOST, {}) if trial.state == _OPTUNA.FAIL and not result else {}
    error = result.get("error") or lost.get("reason")
    if lost and not is_retried(trial):
        error = f"Lost {start.attempt} times, the last time because {error}"
    return TrialRecord(
        number=trial.number,
        state=state,
        params=params_of(trial),
        cell=start.cell,
        replicate=start.replicate,
        seed=start.seed,
        attempt=start.attempt,
        retry_of=start.retry_of,
        diverged=result.get("diverged"),
        repeats=result.get("repeats"),
        turn=start.turn,
        confirms=start.confirms,
        values=tuple(trial.values) if state == TrialState.COMPLETE and trial.values else None,
        pruning=dict(trial.intermediate_values),
        metrics=result.get("metrics", {}),
        history=tuple(Epoch.from_json(values) for values in result.get("history", ())),
        started=_moment(begun.get("at"), trial.datetime_start),
        ended=_moment(result.get("at") or lost.get("at"), trial.datetime_complete) if state != "running" else None,
        host=begun.get("owner", {}).get("host"),
        device=result.get("device"),
        error=error,
        was_interrupted=was_given_back(trial),
        traceback=result.get("traceback"),
        provenance=result.get("facts", {}),
        diagnostics=result.get("diagnostics"),
    )


def _moment(at: float | None, local: datetime | None) -> datetime | None:
    """The time that hpstudy recorded, or else Optuna's, which has no time zone."""
    if at is not None:
        return datetime.fromtimestamp(at, UTC)
    return local.astimezone(UTC) if local else None
