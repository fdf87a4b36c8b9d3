"""What the test split has said of the chosen configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpstudy.study.factors import Level


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The scores of the configuration that validation chose, on rows that no trial has seen."""

    params: Mapping[str, Level]  # levels of the factors that vary
    seeds: tuple[int, ...]  # a network for each
    rows: int  # of the test split
    accuracy: tuple[float, ...]  # of each network
    ensemble: float  # accuracy of all networks together, which average their probabilities
    interval: tuple[float, float]  # 95 %, of the ensemble's accuracy (Wilson)
    values: Mapping[str, Any]  # everything as `hpstudy evaluate --json` prints it, such as the confusion matrix

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Evaluation:
        """From what the study database keeps."""
        ensemble = values["ensemble"]
        return cls(
            params=values["params"],
            seeds=tuple(values["seeds"]),
            rows=values["rows"],
            accuracy=tuple(values["accuracy"]),
            ensemble=ensemble["accuracy"],
            interval=(ensemble["low"], ensemble["high"]),
            values=values,
        )
