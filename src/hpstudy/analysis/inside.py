"""Inside the networks: what the trials' diagnostics say about each configuration, averaged over its replicates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.statistics import Floats
from hpstudy.records import Diagnostics, LayerDiagnostics, Spread, TrialRecord, TrialState
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """The activations of one layer over all trials of a configuration."""

    edges: Floats  # (bins + 1,)
    shares: Floats  # (bins,) share of the values in each bin
    idle: float | None  # mean share of idle units; None if the layer's units cannot be idle


@dataclass(frozen=True, kw_only=True)
class InsideLayer:
    name: str
    activation: str | None
    gradient_norms: Floats  # (epochs + 1,) at the start and after each epoch; geometric means; (0,): no weights
    final_norm: float  # after the last epoch of each trial, geometric mean
    start: Histogram | None  # hidden layers only
    end: Histogram | None


@dataclass(frozen=True, kw_only=True)
class InsideCell:
    """One configuration."""

    params: Mapping[str, Level]
    trials: tuple[int, ...]
    rows: int  # rows of the probe
    layers: tuple[InsideLayer, ...]  # starting at the input

    @property
    def learning(self) -> tuple[InsideLayer, ...]:
        """The layers that have weights."""
        return tuple(layer for layer in self.layers if layer.gradient_norms.size)

    @property
    def ratio(self) -> float:
        """The ratio of the first layer's gradient to the last layer's, at the start; NaN if there is none."""
        layers = self.learning
        return _ratio(layers[0].gradient_norms[0], layers[-1].gradient_norms[0]) if len(layers) > 1 else math.nan

    @property
    def largest_norm(self) -> float:
        """The largest norm of any layer's gradient at the start; NaN if there is none."""
        return max((float(layer.gradient_norms[0]) for layer in self.learning), default=math.nan)

    @property
    def final_ratio(self) -> float:
        layers = self.learning
        return _ratio(layers[0].final_norm, layers[-1].final_norm) if len(layers) > 1 else math.nan

    @property
    def idle_start(self) -> float | None:
        """The share of hidden units that are idle at the start, mean over layers."""
        return _mean([layer.start.idle for layer in self.layers if layer.start and layer.start.idle is not None])

    @property
    def idle_end(self) -> float | None:
        return _mean([layer.end.idle for layer in self.layers if layer.end and layer.end.idle is not None])

    @property
    def idle_word(self) -> str:
        """The word for idle units of this configuration."""
        kinds = {layer.activation for layer in self.layers if layer.start and layer.start.idle is not None}
        if kinds <= {"sigmoid", "tanh"}:
            return "saturated"
        return "dead or saturated" if kinds & {"sigmoid", "tanh"} else "dead"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Configurations that differ in one factor only and are drawn together."""

    factor: str
    context: Mapping[str, Level]  # the levels of the other factors
    cells: tuple[InsideCell, ...]


def inside_cells(records: Sequence[TrialRecord]) -> tuple[InsideCell, ...]:
    """The configurations of the trials that have diagnostics, in the order of the grid's cells.

    Where every trial failed or diverged it is of those: why they did may be seen at their start.
    """
    by_cell: dict[int | None, list[TrialRecord]] = {}
    for record in sorted(records, key=lambda record: (record.cell or 0, record.replicate)):
        if record.state.is_final and record.diagnostics:
            by_cell.setdefault(record.cell, []).append(record)
    return tuple(_cell(_complete(members) or members) for members in by_cell.values())


def panels(study: Study, cells: Sequence[InsideCell]) -> list[Panel]:
    """Panels along the factor with the most levels, one for each combination of the others; the deepest first."""
    if not cells:
        return []
    present = [name for name in study.vary if any(name in cell.params for cell in cells)]
    factor = max(present, key=lambda name: len({cell.params.get(name) for cell in cells}), default="")
    groups: dict[tuple[tuple[str, str], ...], list[InsideCell]] = {}
    for cell in cells:
        context = tuple((name, repr(level)) for name, level in cell.params.items() if name != factor)
        groups.setdefault(context, []).append(cell)
    found = [
        Panel(
            factor=factor,
            context={name: level for name, level in members[0].params.items() if name != factor},
            cells=tuple(members),
        )
        for members in groups.values()
    ]
    return sorted(found, key=lambda panel: -max(len(cell.layers) for cell in panel.cells))


def _complete(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [record for record in records if record.state == TrialState.COMPLETE and record.diverged is None]


def _cell(records: Sequence[TrialRecord]) -> InsideCell:
    """One configuration. Trials whose layers differ from those of the first trial are left out."""
    found = [(record, Diagnostics.from_text(record.diagnostics or "")) for record in records]
    names = [layer.name for layer in found[0][1].layers]
    alike = [(record, seen) for record, seen in found if [layer.name for layer in seen.layers] == names]
    return InsideCell(
        params=records[0].params,
        trials=tuple(record.number for record, _ in alike),
        rows=found[0][1].rows,
        layers=tuple(_layer(layers) for layers in zip(*(seen.layers for _, seen in alike), strict=True)),
    )


def _layer(layers: Sequence[LayerDiagnostics]) -> InsideLayer:
    norms = np.full((len(layers), max(len(layer.gradient_norms) for layer in layers)), math.nan)
    for row, layer in zip(norms, layers, strict=True):
        row[: len(layer.gradient_norms)] = [math.nan if norm is None else norm for norm in layer.gradient_norms]
    finals = [layer.gradient_norms[-1] if layer.gradient_norms else None for layer in layers]
    last = np.array([[math.nan if norm is None else norm] for norm in finals])
    return InsideLayer(
        name=layers[0].name,
        activation=layers[0].activation,
        gradient_norms=_geometric_means(norms),
        final_norm=float(_geometric_means(last)[0]),
        start=_pooled([layer.start for layer in layers if layer.start]),
        end=_pooled([layer.end for layer in layers if layer.end]),
    )


def _geometric_means(values: Floats) -> Floats:
    """Geometric means over the rows, because gradients differ by powers of ten. NaN is ignored if possible."""
    known = np.isfinite(values)
    with np.errstate(divide="ignore"):
        logs = np.log(np.where(known, values, 1.0))
    counts = known.sum(axis=0)
    means: Floats = np.exp(np.divide(logs.sum(axis=0), counts, out=np.full(len(counts), math.nan), where=counts > 0))
    return means


def _pooled(spreads: Sequence[Spread]) -> Histogram | None:
    """One histogram from several with different edges; values are assumed to be uniform within a bin."""
    if not spreads:
        return None
    bins = len(spreads[0].counts)
    edges = np.linspace(min(one.low for one in spreads), max(one.high for one in spreads), bins + 1)
    counts = np.zeros(bins)
    for one in spreads:
        own = np.linspace(one.low, one.high, len(one.counts) + 1)
        counts += np.diff(np.interp(edges, own, np.concatenate([[0.0], np.cumsum(one.counts)])))
    idle = [one.idle for one in spreads if one.idle is not None]
    return Histogram(edges=edges, shares=counts / max(counts.sum(), 1.0), idle=_mean(idle))


def _ratio(first: float, last: float) -> float:
    return float(first / last) if last > 0 else math.nan


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
