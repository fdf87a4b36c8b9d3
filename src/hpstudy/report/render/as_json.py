"""The numbers of a report for scripts. A number that is not finite becomes null, because JSON cannot write it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from hpstudy.analysis.analyse import Analysis, GridAnalysis
from hpstudy.analysis.effects import FactorEffect
from hpstudy.analysis.search import MOST_LISTED, SearchResult
from hpstudy.analysis.variance import PairCells
from hpstudy.report.inside.sections import inside_numbers


def numbers(analysis: Analysis, findings: Sequence[str], details: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "study": analysis.study.name,
        "finished": analysis.overview.is_finished,
        "objective": [asdict(objective) for objective in analysis.study.objectives],
        "overview": asdict(analysis.overview),
        "findings": list(findings),
        "details": list(details),
    }
    if analysis.grid:
        values |= _grid(analysis.grid)
    if analysis.search:
        values |= _search(analysis.search)
    if analysis.inside:
        values["inside"] = inside_numbers(analysis.inside)
    cleaned: dict[str, Any] = _clean(values)
    return cleaned


def _grid(grid: GridAnalysis) -> dict[str, Any]:
    return {
        "cells": [{**vars(cell), "params": dict(cell.params)} for cell in grid.cells],
        "factors": {effect.factor: _effect(effect) for effect in grid.effects},
        "variance": [{"source": list(share.factors) or ["rest"], "share": share.share} for share in grid.shares],
        "interactions": [_pair(pair) for pair in grid.pairs],
    }


def _effect(effect: FactorEffect) -> dict[str, Any]:
    return {
        "reference": effect.reference,
        "baseline": effect.is_baseline,
        "practical": effect.practical,
        "p_any": effect.p_any,
        "replicates": list(effect.values.replicates),
        "contexts": len(effect.values.contexts),
        "contexts_of_design": effect.values.all_contexts,
        "excluded": list(effect.values.excluded),
        "levels": [{**vars(level), "distinct": level.is_distinct} for level in effect.levels],
    }


def _pair(pair: PairCells) -> dict[str, Any]:
    means = [{"levels": list(levels), **asdict(interval)} for levels, interval in pair.means.items()]
    return {"factors": list(pair.factors), "share": pair.share, "means": means}


def _search(search: SearchResult) -> dict[str, Any]:
    return {
        "front": [record.number for record in search.front],
        "best": [
            {"trial": record.number, "values": list(record.values or ()), "params": dict(record.params)}
            for record in search.trained[:MOST_LISTED]
        ],
        "importances": {
            importance.factor: {"ped_anova": importance.ped_anova, "fanova": importance.fanova}
            for importance in search.importances
        },
        "saving": search.saving,
    }


def _clean(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _clean(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
