"""What is known about a trial, as all parts of hpstudy pass it around."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from hpstudy.study.factors import Level

Role = Literal["search", "confirmation"]  # looks for the best configuration; trains it again under a fresh seed
_SYSTEM = "system/"  # prefix of the names of system metrics, in JSON and in the tracker


class TrialState(StrEnum):
    RUNNING = "running"  # a process has it and says so by heartbeats
    COMPLETE = "complete"  # trained to its end, or until it diverged
    PRUNED = "pruned"  # ended early by the pruner
    FAILED = "failed"  # cannot be trained, or lost too often
    LOST = "lost"  # its process died or was stopped; a new trial tries it again

    @property
    def is_final(self) -> bool:
        """Whether the trial counts in the budget for good."""
        return self in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)


class StudyState(StrEnum):
    RUNNING = "running"  # some process has a trial
    FINISHED = "finished"  # the budget is used up
    STOPPED = "stopped"  # trials are left, but nobody works on them


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """One pass over the training rows."""

    number: int  # from 1
    at: float  # Unix time when it ended, s
    metrics: Mapping[str, float]  # loss, accuracy, val_loss, val_accuracy, learning_rate, seconds
    system: Mapping[str, float] = field(default_factory=dict)  # the machine's load when it ended, if it was sampled

    def to_json(self) -> dict[str, Any]:
        system = {f"{_SYSTEM}{name}": value for name, value in self.system.items()}
        return {"epoch": self.number, "at": self.at, **self.metrics, **system}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Epoch:
        told = {name: value for name, value in values.items() if name not in ("epoch", "at")}
        system = {name.removeprefix(_SYSTEM): told.pop(name) for name in list(told) if name.startswith(_SYSTEM)}
        return cls(number=values["epoch"], at=values["at"], metrics=told, system=system)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The activations of a layer on the probe rows, at one moment."""

    low: float  # lower edge of the first bin
    high: float  # upper edge of the last one
    counts: tuple[int, ...]  # counts of finite values, in bins of equal width
    idle: float | None  # share of idle units; None if this kind of layer has none


@dataclass(frozen=True, kw_only=True)
class LayerDiagnostics:
    """One layer of a trial's network."""

    name: str
    activation: str | None
    gradient_norms: tuple[float | None, ...]  # at the start and after each epoch; None: not finite
    start: Spread | None = None  # for hidden layers, before the first epoch
    end: Spread | None = None  # for hidden layers, with the final weights


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """What diagnostics saw inside a trial's network."""

    rows: int  # number of rows of the probe
    layers: tuple[LayerDiagnostics, ...]  # starting at the input

    def to_text(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Diagnostics:
        values = json.loads(text)
        return cls(rows=values["rows"], layers=tuple(_layer(layer) for layer in values["layers"]))


def _layer(values: Mapping[str, Any]) -> LayerDiagnostics:
    spreads = {
        moment: Spread(**{**values[moment], "counts": tuple(values[moment]["counts"])}) if values[moment] else None
        for moment in ("start", "end")
    }
    return LayerDiagnostics(**{**values, **spreads, "gradient_norms": tuple(values["gradient_norms"])})


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A trial as it is recorded in the database."""

    number: int
    state: TrialState
    params: Mapping[str, Level]  # levels of the factors that vary
    cell: int | None  # in a design that has cells; None in a search
    replicate: int
    seed: int
    attempt: int  # 1, or higher if earlier attempts were lost
    retry_of: int | None  # the number of the lost trial that this one tries again
    values: tuple[float, ...] | None  # of the objectives, once complete
    diverged: int | None = None  # the epoch in which the loss became infinite or NaN; the history ends before it
    repeats: int | None = None  # the number of the trial whose result this one has taken over, instead of training
    turn: int | None = None  # of a Compare: which trial of its search it is, from 0
    confirms: int | None = None  # the number of the trial whose configuration was trained once more
    pruning: Mapping[int, float] = field(default_factory=dict)  # epoch → the objective, as the pruner saw it
    metrics: Mapping[str, float] = field(default_factory=dict)  # the final metrics
    history: tuple[Epoch, ...] = ()
    started: datetime | None = None  # with time zone, UTC
    ended: datetime | None = None
    host: str | None = None
    device: str | None = None
    error: str | None = None  # why it failed or was lost
    was_interrupted: bool = False  # a lost one: given back by whoever stopped the run
    traceback: str | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)  # versions, dataset digest, git commit
    diagnostics: str | None = None  # `Diagnostics` as text; the few readers parse it

    @property
    def role(self) -> Role | None:
        """What it is for; None in a design where all trials are for the same."""
        if self.confirms is not None:
            return "confirmation"
        return None if self.turn is None else "search"

    @property
    def value(self) -> float | None:
        """The value of the first objective."""
        return self.values[0] if self.values else None

    @property
    def duration_s(self) -> float | None:
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A score with its 95 % interval over rows."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class TargetScore:
    """How well the ensemble predicts one number; intervals by the bootstrap (Efron 1979)."""

    name: str
    rmse: Estimate  # in the target's unit
    mae: Estimate  # likewise
    r2: Estimate
    points: tuple[tuple[float, float], ...]  # the actual and the predicted number of test rows, of a thousand at most

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TargetScore:
        points = tuple((actual, predicted) for actual, predicted in values["points"])
        return cls(name=values["name"], points=points, **_estimates(values))


@dataclass(frozen=True, kw_only=True)
class RegressionScore:
    """The scores of all networks together, with averaged numbers: means over the targets."""

    rmse: Estimate
    mae: Estimate
    r2: Estimate
    targets: tuple[TargetScore, ...]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RegressionScore:
        return cls(targets=tuple(map(TargetScore.from_json, values["targets"])), **_estimates(values))


def _estimates(values: Mapping[str, Any]) -> dict[str, Estimate]:
    return {name: Estimate(**values[name]) for name in ("rmse", "mae", "r2")}


@dataclass(frozen=True, kw_only=True)
class EnsembleScore:
    """The score of all networks together, with averaged probabilities."""

    accuracy: float
    low: float  # 95 % interval of the accuracy, over rows (Wilson 1927)
    high: float


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """How well the ensemble recognizes one class."""

    name: str
    precision: float
    recall: float
    f1: float
    rows: int  # of the test split


@dataclass(frozen=True, kw_only=True)
class BinaryScore:
    """How well the ensemble tells one class from the other, and how well its probabilities hold."""

    name: str  # the class whose probability it is
    roc: tuple[tuple[float, float], ...]  # false positive rate, true positive rate
    precision_recall: tuple[tuple[float, float], ...]  # recall, precision
    reliability: tuple[tuple[float, float, int], ...]  # of a tenth: mean probability, share of the class, rows
    calibration_error: float  # expected calibration error (Naeini et al. 2015)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> BinaryScore:
        curves = ("roc", "precision_recall", "reliability")
        return cls(**{**values, **{name: tuple(map(tuple, values[name])) for name in curves}})


@dataclass(frozen=True, kw_only=True)
class HardRow:
    """A row of the test split that all networks get wrong."""

    row: int  # which row of its file, from 1
    actual: str | float
    predicted: str | float  # by all networks together
    measure: float  # the probability of the actual class; of numbers the smallest error, in standard deviations
    target: int = 0  # which of several numbers it is


@dataclass(frozen=True, kw_only=True)
class Looks:
    """How often somebody has looked at results, and decided what to do next by them."""

    extensions: int = 0  # of the study, each after a look at its scores
    at_test_split: int = 0  # of the dataset, by all studies of the database


NO_LOOKS = Looks()


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The scores of the configuration that validation chose, on rows that no trial has seen."""

    params: Mapping[str, Level]  # levels of the factors that vary
    seeds: tuple[int, ...]  # one network for each seed
    trials: tuple[int, ...]  # the trials of the networks; a network that was trained for this has no trial
    chosen_by: str
    at: float  # Unix time; distinguishes evaluations of the same study
    digest: str  # of the test split
    rows: int  # of the test split
    validation: tuple[float, ...]  # accuracy, or RMSE, of each network on its own validation rows
    # Where classes are predicted:
    accuracy: tuple[float, ...] = ()  # of each network on the test split
    ensemble: EnsembleScore | None = None
    confusion: tuple[tuple[int, ...], ...] = ()  # test rows by true class and predicted class
    by_class: tuple[ClassScore, ...] = ()
    metrics: Mapping[str, Estimate] = field(default_factory=dict)  # of the ensemble, all but the accuracy
    binary: BinaryScore | None = None  # where there are two classes
    # In a regression:
    rmse: tuple[float, ...] = ()  # of each network on the test split
    regression: RegressionScore | None = None
    # In both; evaluations of earlier versions have none:
    wrong_by_all: int | None = None  # of classes: test rows that every network gets wrong
    hardest: tuple[HardRow, ...] = ()  # the worst of them; of numbers, those with the largest errors

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Every metric of all networks together, by its name without prefix."""
        if self.regression:
            return {name: getattr(self.regression, name) for name in ("rmse", "mae", "r2")}
        return {"accuracy": self.together, **self.metrics}

    @property
    def metric(self) -> Literal["accuracy", "rmse"]:
        """What the networks were scored by."""
        return "rmse" if self.regression else "accuracy"

    @property
    def test(self) -> tuple[float, ...]:
        """The metric of each network on the test split."""
        return self.rmse if self.regression else self.accuracy

    @property
    def together(self) -> Estimate:
        """The metric of all networks together on the test split."""
        if self.regression:
            return self.regression.rmse
        assert self.ensemble
        return Estimate(value=self.ensemble.accuracy, low=self.ensemble.low, high=self.ensemble.high)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Evaluation:
        made: dict[str, Any] = {
            name: tuple(values[name])
            for name in ("seeds", "trials", "validation", "accuracy", "rmse")
            if name in values
        }
        if "regression" in values:
            made["regression"] = RegressionScore.from_json(values["regression"])
        else:
            made["ensemble"] = EnsembleScore(**values["ensemble"])
            made["confusion"] = tuple(tuple(row) for row in values["confusion"])
            made["by_class"] = tuple(ClassScore(name=one.pop("class"), **one) for one in map(dict, values["by_class"]))
            made["metrics"] = {name: Estimate(**one) for name, one in values.get("metrics", {}).items()}
            made["binary"] = BinaryScore.from_json(values["binary"]) if "binary" in values else None
        made["hardest"] = tuple(HardRow(**row) for row in values.get("hardest", ()))
        return cls(**{**values, **made})

    def to_json(self) -> dict[str, Any]:
        """The form that the study database keeps and `hpstudy evaluate --json` prints."""
        values = asdict(self)
        others = ("accuracy", "ensemble", "confusion", "by_class") if self.regression else ("rmse", "regression")
        optional = ("metrics", "binary", "wrong_by_all", "hardest")
        for name in (*others, *(name for name in optional if values[name] in ({}, None, ()))):
            del values[name]
        if not self.regression:
            values["by_class"] = [{"class": one.pop("name"), **one} for one in values["by_class"]]
        return values


@dataclass(frozen=True, kw_only=True)
class Baselines:
    """What simple predictors reach on the rows of the chosen configuration: means over splits.

    Scores have the names of a trial's metrics: `loss` and `accuracy` on the training rows, `val_loss` and
    `val_accuracy`; `test_loss` and `test_accuracy` where the networks were scored on the test split, too. In a
    regression they are `rmse`, `val_rmse` and `test_rmse` instead of accuracies.
    """

    constant: Mapping[str, float]  # every row gets the classes' shares of the training rows, or their mean
    logistic: Mapping[str, float]  # scikit-learn's logistic regression; empty where the training rows are of one class
    loss: str  # which loss: the level of the factor
    seeds: tuple[int, ...]  # of the splits
    fitted_rows: int  # training rows that logistic regression was fitted on
    train_rows: int  # that there are
    at: float  # when, in seconds since 1970
    ridge: Mapping[str, float] = field(default_factory=dict)  # scikit-learn's ridge regression, instead of logistic

    @property
    def linear(self) -> Mapping[str, float]:
        """The scores of the linear model of the task."""
        return self.ridge or self.logistic

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Baselines:
        return cls(**{**values, "seeds": tuple(values["seeds"])})

    def to_json(self) -> dict[str, Any]:
        """As the study database keeps it."""
        values = asdict(self)
        if not self.ridge:
            del values["ridge"]
        return values
