"""What the answer of a grid promises, held against real trainings whose truth is nearly known.

`python -m benchmarks.banks FOLDER` trains banks of small networks with hpstudy's trainer, keeps their scores in the
folder, and prints the tables of docs/report.md:

- **Coverage.** Fashion-MNIST is cut into disjoint sets of 1,000 rows, so many draws of "new data of this kind".
  How often do 95 % intervals hold the mean over all sets, and how often do those of paired differences hold the
  difference that many more replicates on the same set have?
- **Calibration.** Of three datasets, random parts of a bank (some configurations, few replicates): how often is the
  configuration the best one, by the replicates that were left out, to which a probability of being best is given?
  Simulated studies stand beside them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpstudy import Grid, Study, data
from hpstudy.analysis.standings import standings
from hpstudy.analysis.statistics import Floats, t_interval
from hpstudy.data.arrays import Arrays
from hpstudy.data.splits import train_and_validation
from hpstudy.settings import Settings
from hpstudy.training.environment import for_tensorflow

if TYPE_CHECKING:
    from hpstudy.training.trainer import Trainer

SET_ROWS, SETS = 1_000, 60
NEW_DATA_REPLICATES, SAME_DATA_REPLICATES, SAME_DATA_SETS = 6, 60, 20
BANK_REPLICATES, PARTS = 150, 1_000
SIMULATED = (0.5, 1.0, 2.0, 4.0)  # how far apart true means are, in spreads of a cell
RATIO = 0.25  # validation rows by training rows
BINS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)

Part = tuple[Floats, Floats]  # scores (configurations, replicates) and their true means

_NETWORKS = (
    {"optimizer": "adam", "learning_rate": 0.003},
    {"optimizer": "sgd", "learning_rate": 0.1},
    {"optimizer": "rmsprop", "learning_rate": 0.001},
)
_RATES = {
    "sgd": (0.03, 0.1, 0.3, 1.0),
    "adagrad": (0.01, 0.03, 0.1, 0.3),
    "rmsprop": (0.0003, 0.001, 0.003, 0.01),
    "adam": (0.0003, 0.001, 0.003, 0.01),
}
_CONFIGURATIONS = [
    {"optimizer": optimizer, "learning_rate": rate} for optimizer, rates in _RATES.items() for rate in rates
]


@dataclass(frozen=True, kw_only=True)
class Bank:
    """A dataset on which every configuration is trained under many seeds and splits."""

    dataset: str
    base: Mapping[str, Any]

    def config(self, params: Mapping[str, Any]) -> Any:
        study = Study(name="bank", dataset=self.dataset, base={**self.base, **params}, design=Grid())
        return study.config({})


BANKS = (
    Bank(dataset="titanic", base={"units": 16, "epochs": 20}),
    Bank(dataset="digits", base={"units": 16, "epochs": 10}),
    Bank(dataset="fashion_mnist", base={"units": 16, "epochs": 5, "train_rows": SET_ROWS}),
)
_SETS_OF = Bank(dataset="fashion_mnist", base={"units": 16, "epochs": 10})


def _accuracy(trainer: Trainer, config: Any, seed: int, arrays: Arrays) -> float:
    training = trainer.start(config, seed, arrays, block_s=1.0)
    for _ in training:
        pass
    return training.result()["val_accuracy"]


def _bank(bank: Bank, trainer: Trainer) -> Floats:
    """(configurations, replicates) validation accuracies."""
    scores = np.empty((len(_CONFIGURATIONS), BANK_REPLICATES))
    for replicate in range(BANK_REPLICATES):
        for number, params in enumerate(_CONFIGURATIONS):
            config = bank.config(params)
            arrays = data.prepare(bank.dataset, config, replicate, Settings.load({}))
            scores[number, replicate] = _accuracy(trainer, config, replicate, arrays)
    return scores


def _sets(sets: int, replicates: int, trainer: Trainer) -> Floats:
    """(sets, networks, replicates) validation accuracies, each set a dataset of its own."""
    whole = data.prepare("fashion_mnist", _SETS_OF.config({}), 0, Settings.load({}))
    order = np.random.default_rng(0).permutation(len(whole.y)).astype(np.int32)
    scores = np.empty((sets, len(_NETWORKS), replicates))
    for place in range(sets):
        rows = order[place * SET_ROWS : (place + 1) * SET_ROWS]
        for replicate in range(replicates):
            train, validation = train_and_validation(whole.y[rows], replicate)
            arrays = replace(whole, train=np.sort(rows[train]), validation=np.sort(rows[validation]))
            for number, params in enumerate(_NETWORKS):
                scores[place, number, replicate] = _accuracy(trainer, _SETS_OF.config(params), replicate, arrays)
    return scores


def new_data_rows(scores: Floats) -> Iterator[str]:
    """How often the interval of a mean holds the mean over all sets; the uncorrected t-interval beside it."""
    truth = scores.mean(axis=(0, 2))
    for n in (3, 5):
        held, plain = [], []
        for of_set in scores[:, :, :n]:
            found = standings(of_set, 0.005, new_data_ratio=RATIO)
            held.append((found.low <= truth) & (truth <= found.high))
            _, low, high = t_interval(of_set)
            plain.append((low <= truth) & (truth <= high))
        yield f"| mean, new data | {n} | {np.mean(held):.2f} | {np.mean(plain):.2f} |"


def difference_rows(new: Floats, same: Floats) -> Iterator[str]:
    """The same for paired differences: on the same data, and on new data with and without the correction."""
    from scipy import stats

    pairs = [(0, 1), (0, 2), (1, 2)]
    truth = new.mean(axis=(0, 2))
    for n in (3, 5):
        quantile = float(stats.t.ppf(0.975, n - 1))
        held, plain, again = [], [], []
        for one, other in pairs:
            differences = new[:, one, :n] - new[:, other, :n]
            error = np.abs(differences.mean(axis=1) - (truth[one] - truth[other]))
            spread = differences.std(axis=1, ddof=1)
            held.append(error <= quantile * spread * np.sqrt(1 / n + RATIO))
            plain.append(error <= quantile * spread / np.sqrt(n))
            again.append(_again(same[:, one] - same[:, other], n, quantile))
        yield f"| difference, new data | {n} | {np.mean(held):.2f} | {np.mean(plain):.2f} |"
        yield f"| difference, these data | {n} | {np.mean(again):.2f} | – |"


def _again(differences: Floats, n: int, quantile: float) -> list[bool]:
    """Whether each n replicates of a set hold the mean of the set's others, which are not the whole truth either."""
    found = []
    for of_set in differences:
        for first in range(0, len(of_set) - n + 1, n):
            seen, rest = of_set[first : first + n], np.delete(of_set, range(first, first + n))
            half = quantile * seen.std(ddof=1) * np.sqrt(1 / n + 1 / len(rest))
            found.append(bool(abs(seen.mean() - rest.mean()) <= half))
    return found


def calibration_rows(banks: Mapping[str, Floats]) -> Iterator[str]:
    """By the probability of being best that was said: how often it was true."""
    real = {name: _said_and_true(_parts_of(bank)) for name, bank in banks.items()}
    simulated = {f"simulated, means {apart} spreads apart": _said_and_true(_simulated(apart)) for apart in SIMULATED}
    together = {"the three together": _joined(real.values())}
    for name, (said, true, kept) in {**real, **together, **simulated}.items():
        cells = [_entry(said, true, low, high) for low, high in pairwise(BINS)]
        yield f"| {name} | {' | '.join(cells)} | {kept.mean():.3f} |"


def _joined(found: Iterable[tuple[Floats, Floats, Floats]]) -> tuple[Floats, Floats, Floats]:
    said, true, kept = zip(*found, strict=True)
    return np.concatenate(said), np.concatenate(true), np.concatenate(kept)


def _parts_of(bank: Floats) -> Iterator[Part]:
    """Random parts, and the means of the same cells over the replicates that were left out."""
    rng = np.random.default_rng(0)
    for _ in range(PARTS):
        cells = rng.choice(len(bank), rng.integers(3, 13), replace=False)
        replicates = rng.choice(bank.shape[1], rng.choice([3, 5]), replace=False)
        yield bank[np.ix_(cells, replicates)], np.delete(bank[cells], replicates, axis=1).mean(axis=1)


def _simulated(apart: float) -> Iterator[Part]:
    """Studies whose true means differ from study to study, as do the spreads of their cells."""
    rng = np.random.default_rng(0)
    for _ in range(PARTS):
        cells, replicates = rng.integers(3, 13), rng.choice([3, 5])
        means, spreads = rng.normal(0, apart * 0.005, cells), 0.005 * np.exp(rng.normal(0, 0.3, cells))
        shared = rng.normal(0, 0.003, replicates)
        yield means[:, None] + spreads[:, None] * rng.standard_normal((cells, replicates)) + shared, means


def _said_and_true(parts: Iterator[Part]) -> tuple[Floats, Floats, Floats]:
    said, true, kept = list[float](), list[float](), list[bool]()
    for scores, truth in parts:
        found = standings(scores, 0.005)
        said += found.p_best.tolist()
        true += (truth == truth.max()).tolist()
        kept.append(bool(found.may_be_best[truth.argmax()]))
    return np.array(said), np.array(true, float), np.array(kept, float)


def _entry(said: Floats, true: Floats, low: float, high: float) -> str:
    inside = (said >= low) & ((said < high) | (high == 1))
    return f"{said[inside].mean():.2f}, {true[inside].mean():.2f} ({inside.sum():,})" if inside.any() else "–"


def _kept(file: Path, made: Any) -> Floats:
    if not file.exists():
        np.save(file, made())
    scores: Floats = np.load(file)
    return scores


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(for_tensorflow())
    from hpstudy.training.trainer import Trainer

    trainer = Trainer()
    new = _kept(folder / "new.npy", lambda: _sets(SETS, NEW_DATA_REPLICATES, trainer))
    same = _kept(folder / "same.npy", lambda: _sets(SAME_DATA_SETS, SAME_DATA_REPLICATES, trainer))
    print("| interval | replicates | holds the truth | without the correction |\n|---|---|---|---|")
    for row in (*new_data_rows(new), *difference_rows(new, same)):
        print(row)
    banks = {bank.dataset: _kept(folder / f"{bank.dataset}.npy", lambda b=bank: _bank(b, trainer)) for bank in BANKS}
    heads = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(BINS)]
    print(f"\n| dataset | {' | '.join(heads)} | best one kept |\n|---|{'---|' * (len(heads) + 1)}")
    for row in calibration_rows(banks):
        print(row)


if __name__ == "__main__":
    main(sys.argv[1:])
