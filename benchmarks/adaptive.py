"""`python -m benchmarks.adaptive [SCENARIO …]`: adaptive replicates on simulated studies whose truth is known.

How often repeated looks rule the best cell out, and what share of the trials of a full grid is trained. What a
replicate's seed and split do to all cells is drawn, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.analysis.adaptive import look_at
from hpstudy.analysis.candidates import FAMILY_ERROR

LEAST, MOST = 3, 15
SHARED = 0.003  # spread of what all cells share in a replicate
Scores = NDArray[Any]

# As `make demo` was measured: means, and spreads without what is shared.
DEMO = np.array(
    [
        *(0.8871, 0.8860, 0.8842, 0.8840, 0.8831, 0.8828, 0.8712, 0.8643, 0.8640),
        *(0.8623, 0.8572, 0.8469, 0.8279, 0.8245, 0.8134, 0.7577, 0.3661, 0.2461),
    ]
)
DEMO_SPREADS = np.array([*(1, 1, 3.5, 2.4, 2.4, 1.5, 1.5, 2, 2.2, 2, 3.5, 5, 11, 3, 3, 60, 44, 150)]) / 1000


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One kind of study; the first cell is the best one."""

    means: Scores
    spreads: Scores
    noise: Callable[[np.random.Generator, tuple[int, int]], Scores] = np.random.Generator.standard_normal
    diverges: bool = False  # the second cell does in half of its replicates

    def drawn(self, rng: np.random.Generator) -> Scores:
        """(cells, MOST) scores."""
        noise = self.noise(rng, (len(self.means), MOST))
        scores = self.means[:, np.newaxis] + self.spreads[:, np.newaxis] * noise + rng.normal(0, SHARED, MOST)
        if self.diverges:
            scores[1, rng.random(MOST) < 0.5] = 0.1
        clipped: Scores = np.clip(scores, 0.0, 1.0)
        return clipped


def _heavy(rng: np.random.Generator, shape: tuple[int, int]) -> Scores:
    """Student's t with three degrees of freedom, scaled to unit variance."""
    scores: Scores = rng.standard_t(3, shape) / np.sqrt(3)
    return scores


NEAR: Scores = np.asarray(0.884 - np.linspace(0, 0.004, 12), float)
SCENARIOS: Mapping[str, Scenario] = {
    "the demo, 18 cells": Scenario(means=DEMO, spreads=DEMO_SPREADS),
    "12 within 0.004": Scenario(means=NEAR, spreads=np.full(12, 0.004)),
    "12 equal, spreads differ": Scenario(means=np.full(12, 0.8), spreads=np.geomspace(0.002, 0.02, 12)),
    "12 within 0.004, heavy tails": Scenario(means=NEAR, spreads=np.full(12, 0.004), noise=_heavy),
    "6, one 0.004 better": Scenario(means=np.where(np.arange(6) > 0, 0.796, 0.8), spreads=np.full(6, 0.006)),
    "3 equal": Scenario(means=np.full(3, 0.8), spreads=np.full(3, 0.01)),
    "2 equal": Scenario(means=np.full(2, 0.8), spreads=np.full(2, 0.01)),
    "6, one diverges half the time": Scenario(means=NEAR[:6], spreads=np.full(6, 0.004), diverges=True),
}


def study(scenario: Scenario, rng: np.random.Generator) -> tuple[int, bool]:
    """One simulated study: how many trials it took, and whether the best cell was ruled out in a look."""
    scores = scenario.drawn(rng)
    count, error = len(scores), FAMILY_ERROR / (MOST - LEAST + 1)
    values = np.full(scores.shape, np.nan)
    values[:, :LEAST] = scores[:, :LEAST]
    last, dropped = tuple(range(count)), False
    for replicate in range(LEAST, MOST):
        seen = values[:, :replicate]
        look = look_at(seen, 1, error, last)
        dropped |= 0 in look.ruled_out
        if not look.cells:
            break
        last = look.cells
        values[list(last), replicate] = scores[list(last), replicate]
    return int(np.isfinite(values).sum()), bool(dropped)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adaptive", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"{'; '.join(SCENARIOS)}; without any: all")
    parser.add_argument("--studies", type=int, default=200, help="of each scenario")
    options = parser.parse_args()
    print("| scenario | best cell ruled out | trials, share of the full grid |\n|---|---|---|")
    for name in options.scenarios or SCENARIOS:
        rng = np.random.default_rng(1)
        found = [study(SCENARIOS[name], rng) for _ in range(options.studies)]
        full = len(SCENARIOS[name].means) * MOST
        trials, dropped = np.array(found, float).T
        print(f"| {name} | {100 * dropped.mean():.1f} % | {trials.mean() / full:.2f} |", flush=True)


if __name__ == "__main__":
    main()
