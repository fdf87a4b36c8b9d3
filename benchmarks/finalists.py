"""`python -m benchmarks.finalists`: how optimistic the score of a search's best trial is, and that of its finalist.

Small searches on the Titanic, each under its own seed. A score is held against what the chosen configuration has on the
test split, which no search sees.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import fmean, stdev

import hpstudy
from hpstudy import Choice, Float, Search, Study
from hpstudy.analysis.best import confirmations_of_best, ranked_trials


def search(seed: int) -> Study:
    """20 trials, then three finalists under three seeds each."""
    return Study(
        name=f"search-{seed}",
        dataset="titanic",
        base={"epochs": 30, "depth": 2},
        vary={
            "optimizer": Choice("sgd", "rmsprop", "adam"),
            "learning_rate": Float(1e-4, 1e-1, log=True),
            "units": Choice(8, 16, 32, 64),
            "dropout": Float(0.0, 0.6),
        },
        design=Search(trials=20, finalists=3, replicates=3),
        seed=100 * seed,
    )


def optimism(seed: int, home: Path) -> tuple[float, float]:
    """Of one search: the best trial's score and the finalist's mean, each minus the accuracy on the test split."""
    with hpstudy.run(search(seed), home=home, tracking_uri="none", show=False) as result:
        records, evaluation = result.records(), result.evaluation
        assert evaluation
        test = fmean(evaluation.accuracy)
        best = ranked_trials(result.study, [record for record in records if record.role is None])[0]
        confirmed = confirmations_of_best(result.study, records)
    assert best.value is not None
    return best.value - test, fmean(record.value or 0.0 for record in confirmed) - test


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finalists", description=__doc__)
    parser.add_argument("--searches", type=int, default=10)
    searches = parser.parse_args().searches
    with tempfile.TemporaryDirectory() as home:
        found = [optimism(seed, Path(home)) for seed in range(1, searches + 1)]
    print("| score | minus the test accuracy, mean | ± sd |\n|---|---|---|")
    for what, values in zip(
        ("best trial of the search", "mean of the finalist"), zip(*found, strict=True), strict=True
    ):
        print(f"| {what} | {fmean(values):+.4f} | {stdev(values):.4f} |")


if __name__ == "__main__":
    main()
