"""Everything that is computed about a study, before any of it is put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpstudy.analysis.best import counted
from hpstudy.analysis.cells import GridValues, grid_values
from hpstudy.analysis.curves import FactorCurves, factor_curves
from hpstudy.analysis.divergence import outcomes
from hpstudy.analysis.effects import FactorEffect, baselines, factor_effects
from hpstudy.analysis.finalists import Finalists, confirmed_finalists
from hpstudy.analysis.inside import InsideCell, inside_cells
from hpstudy.analysis.overfitting import FactorOverfitting, factor_overfitting, shown_means
from hpstudy.analysis.overview import Overview, overview
from hpstudy.analysis.ranking import Circumstance, RankedCell, circumstances, ranked_cells
from hpstudy.analysis.search import SearchResult, search_result
from hpstudy.analysis.standings import Standings
from hpstudy.analysis.tuning import TunedCell, tuned_cells
from hpstudy.analysis.variance import PairCells, Share, pair_cells, variance_shares
from hpstudy.records import TrialRecord
from hpstudy.study.levels import LevelTexts
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class GridAnalysis:
    values: GridValues
    effects: tuple[FactorEffect, ...]
    shares: tuple[Share, ...]
    pairs: tuple[PairCells, ...]
    cells: tuple[RankedCell, ...]  # best first
    standings: Standings | None  # of the same cells, in the same order; None: there is none
    looks: int  # at the results, among which the error of 5 % is shared
    overfitting: tuple[FactorOverfitting, ...]  # factors whose levels differ in it
    shown: Mapping[str, Mapping[int, float]]  # what the study shows beside its objective → cell → mean
    circumstances: tuple[Circumstance, ...]  # an answer for each level of what is given; empty if nothing is


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A study's numbers. Exactly one of `grid` and `search` is set."""

    study: Study
    records: tuple[TrialRecord, ...]
    overview: Overview
    curves: tuple[FactorCurves, ...]
    texts: LevelTexts  # how levels are written; for a search, such that the trials in its tables can be told apart
    grid: GridAnalysis | None = None
    search: SearchResult | None = None
    finalists: Finalists | None = None  # of a search, once there are some
    tuned: tuple[TunedCell, ...] = ()  # the searches of a Compare
    inside: tuple[InsideCell, ...] = ()  # for a search, only the best trial; empty without diagnostics


def analyse(
    study: Study,
    records: Sequence[TrialRecord],
    baseline: Sequence[str] = (),
    constant: Mapping[str, float] | None = None,
    *,
    closed: bool = False,
    extensions: int = 0,
) -> Analysis:
    """All that is computed of a study.

    Args:
        constant: As `divergence.outcomes` takes it.
        closed: As `intake.asked` takes it.
        extensions: How often the study was extended, each time after a look at its results.

    Raises:
        UserError: a baseline is no level of the study.
    """
    records = outcomes(study, records, constant)
    is_grid, seen = study.design.has_cells, counted(records)
    found = (factor_curves(study, seen, factor) for factor in study.vary) if is_grid else ()
    baselines(study, baseline)
    search = None if is_grid else search_result(study, records)
    return Analysis(
        study=study,
        records=tuple(records),
        overview=overview(study, records, closed=closed),
        curves=tuple(curves for curves in found if curves),
        texts=study.texts_beside(record.params for record in search.listed) if search else study.texts,
        grid=_grid(study, records, baseline, _looks(study, extensions)) if is_grid else None,
        search=search,
        finalists=confirmed_finalists(study, records),
        tuned=tuple(tuned_cells(study, records)),
        inside=inside_cells(search.front[:1] if search else seen),
    )


def _looks(study: Study, extensions: int) -> int:
    """How often the results are looked at in order to decide whether to go on, and at the end."""
    return study.design.adaptive.looks if study.design.adaptive else 1 + extensions


def _grid(study: Study, records: Sequence[TrialRecord], baseline: Sequence[str], looks: int) -> GridAnalysis:
    values = grid_values(study, records)
    shares, ranked = variance_shares(values), ranked_cells(values, looks)
    return GridAnalysis(
        values=values,
        effects=tuple(one for one in factor_effects(values, baseline, looks) if one.factor not in study.given),
        shares=tuple(shares),
        pairs=tuple(pair_cells(values, shares)),
        cells=ranked.cells,
        standings=ranked.standings,
        looks=looks,
        overfitting=tuple(one for factor in study.vary if (one := factor_overfitting(values, factor))),
        shown={name: shown_means(values, name) for name in study.shows},
        circumstances=tuple(circumstances(values, looks)),
    )
