"""How sharp and how valid the answer of a grid is, on simulated studies whose truth is known.

`python -m benchmarks.ranking` prints the table of docs/report.md. Each row is a kind of studies; an entry says how many
configurations are left that may be the best, and in which share of the studies the true best one is among them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.adaptive import DEMO, DEMO_SPREADS
from hpstudy.analysis.candidates import may_be_best
from hpstudy.analysis.statistics import Flags, Floats, holm, paired_p

REPLICATES = (3, 5, 10)
STUDIES = 300
SHARED = 0.003  # spread of what all configurations of a replicate share

Method = Callable[[Floats], Flags]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Configurations by their true means and spreads."""

    means: Floats
    spreads: Floats
    df: float | None = None  # of Student's t instead of a normal distribution
    diverges: bool = False  # the last one, half of the time

    def drawn(self, rng: np.random.Generator, replicates: int) -> Floats:
        shape = (len(self.means), replicates)
        noise = rng.standard_normal(shape) if self.df is None else rng.standard_t(self.df, shape) / np.sqrt(3)
        scores = self.means[:, None] + self.spreads[:, None] * noise + SHARED * rng.standard_normal(replicates)
        if self.diverges:
            scores[-1] = np.where(rng.random(replicates) < 0.5, 0.1, scores[-1])
        return np.asarray(scores, float)


TRUTHS: Mapping[str, Truth] = {
    "the demo's means and spreads, 18 configurations": Truth(means=DEMO, spreads=DEMO_SPREADS),
    "12 within 0.004, spread 0.004": Truth(means=np.linspace(0.884, 0.88, 12), spreads=np.full(12, 0.004)),
    "12 equal ones, spreads from 0.001 to 0.03": Truth(means=np.full(12, 0.88), spreads=np.geomspace(0.001, 0.03, 12)),
    "12 equal ones, heavy tails": Truth(means=np.full(12, 0.88), spreads=np.full(12, 0.005), df=3),
    "12, one of which diverges half of the time": Truth(
        means=np.array([0.885] + [0.88] * 11), spreads=np.full(12, 0.004), diverges=True
    ),
    "6 equal ones": Truth(means=np.full(6, 0.88), spreads=np.full(6, 0.005)),
    "3 equal ones": Truth(means=np.full(3, 0.88), spreads=np.full(3, 0.005)),
    "2 equal ones": Truth(means=np.full(2, 0.88), spreads=np.full(2, 0.005)),
}


def all_pairs(scores: Floats) -> Flags:
    """What reports did before: paired t-tests against the best mean, corrected over all pairs (Holm)."""
    one, other = np.triu_indices(len(scores), k=1)
    raw = paired_p(scores[one] - scores[other])
    corrected = holm([None if np.isnan(p) else float(p) for p in raw])
    best = int(scores.mean(axis=1).argmax())
    kept = np.ones(len(scores), bool)
    for first, second, p in zip(one, other, corrected, strict=True):
        if best in (first, second) and p is not None and p < 0.05:
            kept[second if first == best else first] = False
    return kept


def rows(studies: int = STUDIES) -> Iterator[str]:
    methods: tuple[Method, ...] = (all_pairs, may_be_best)
    for name, truth in TRUTHS.items():
        texts = []
        for replicates in REPLICATES:
            rng = np.random.default_rng(1)
            drawn = [truth.drawn(rng, replicates) for _ in range(studies)]
            best = np.flatnonzero(truth.means == truth.means.max())
            for method in methods:
                kept = np.array([method(scores) for scores in drawn])
                texts.append(f"{kept.sum(axis=1).mean():.1f}, {kept[:, best].mean():.3f}")
        yield f"| {name} | {' | '.join(texts)} |"


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES
    heads = [f"{what}, n = {n}" for n in REPLICATES for what in ("all pairs", "the best")]
    print(f"| studies | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
    for row in rows(studies):
        print(row, flush=True)


if __name__ == "__main__":
    main()
