"""One trial in training: its epochs come out one by one, then its result."""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from hpstudy.data import constant_scores
from hpstudy.errors import TrialFailed, closed, reason
from hpstudy.records import Diagnostics, Epoch
from hpstudy.study.factors import Config, loss_of
from hpstudy.study.metrics import METRICS
from hpstudy.training.compiled import CompiledUnusable, is_unusable
from hpstudy.training.diagnostics import Probe
from hpstudy.training.keras_settings import settings_of
from hpstudy.training.learner import assign_all, values_of
from hpstudy.training.model import learning_rates, make_network
from hpstudy.training.own_program import is_out_of_memory
from hpstudy.training.program import EpochMetrics, Program
from hpstudy.training.scoring import final_metrics

if TYPE_CHECKING:
    from hpstudy.data import Arrays


class Training:
    """One trial in training. Iterate over it for its epochs; stop whenever you want; then take the result.

    Attributes:
        weights: Values of the network's variables; the trained ones once `result` was called.
        is_over: Whether the latest epoch is the last one.
        diverged: The epoch in which the loss became infinite or NaN, or None. That epoch is not iterated over.
    """

    def __init__(  # noqa: PLR0913
        self,
        *,
        config: Config,
        seed: int,
        arrays: Arrays,
        network: keras.Model | None,
        program: Program,
        rows: Any,
        probe: Probe,
        block_s: float,
        watched: Sequence[str],
    ) -> None:
        self.weights: list[np.ndarray] = []
        self._network = network
        self._config, self._seed, self._arrays = config, seed, arrays
        self._program, self._rows, self._probe = program, rows, probe
        self._block_s, self._watched = block_s, watched
        self._history: list[Epoch] = []
        self._best_epoch = 0
        self._best_weights: list[np.ndarray] | None = None  # if its block ended with it
        self._best_block: _Block | None = None  # else that block
        self._block: _Block | None = None  # the latest
        self._has_ended = self._has_compiled = False
        self._diverging: Epoch | None = None
        self._seconds: list[float] = []  # duration of every epoch, including the one that diverged
        self.is_over = False
        self.diverged: int | None = None

    @property
    def network(self) -> keras.Model:
        """Plain Keras, made here, as most trials need none; holds the trained weights once `result` was called."""
        if self._network is None:
            self._network = make_network(
                self._config, self._arrays.input_shape, self._arrays.outputs, self._arrays.task
            )
            self._fill()
        return self._network

    def __iter__(self) -> Iterator[Epoch]:
        """Train epoch after epoch, until the last one or the one in which the training diverges.

        Raises:
            TrialFailed: memory ran out.
        """
        epochs = int(self._config["epochs"])  # type: ignore[arg-type]
        self._look()
        for number, epoch in enumerate(self._train(epochs), 1):
            self._seconds.append(epoch.metrics["seconds"])
            self._look()
            if not _is_finite(epoch):
                self._diverging, self.diverged = epoch, number
                return
            self._history.append(epoch)
            self.is_over = self._stops_early(epoch) or number == epochs
            yield epoch
            if self.is_over:
                return

    def result(self) -> dict[str, float]:
        """Take the trained weights and give the final metrics.

        They are those of the last epoch; with early stopping, those of the best one, whose weights are restored. A
        training that diverged has the scores of the constant predictor, and its weights are useless.
        """
        if self._diverging:
            scores = constant_scores(self._arrays, loss_of(self._config))
            return self._finals({**self._diverging.metrics, **scores})
        if self._best_block:
            self._train_to_best(self._best_block)
        self.weights = self._best_weights or values_of(self._program.network.variables)
        self._fill()
        self._has_ended = True
        kept = self._history[(self._best_epoch or len(self._history)) - 1]
        with memory_errors():
            return self._finals({**kept.metrics, **self._scores()})

    def _scores(self) -> dict[str, float]:
        """What the trained network scores by the metrics that only the end of a trial has."""
        network = self._network
        if network is None:
            network = self._program.network  # which the next trial fills anew
            if self._best_weights:
                assign_all(network.variables, self.weights)
        return final_metrics(network, self._config, self._arrays)

    def _fill(self) -> None:
        """Put the trained weights into the network, if there are both."""
        if self._network is not None and self.weights:
            assign_all(self._network.variables, self.weights)

    def _finals(self, scores: Mapping[str, float]) -> dict[str, float]:
        """The final metrics. `train_s` covers every epoch, without compiling, which is `compile_s` if there was any."""
        compile_s = self._compile_s()
        return {
            **scores,
            "epochs": float(len(self._seconds)),
            "parameters": float(self._program.network.count_params()),
            "train_s": sum(self._seconds) - compile_s,
            **({"compile_s": compile_s} if compile_s else {}),
        }

    def _compile_s(self) -> float:
        """How much longer the first epoch took than the trial's others; 0 if there are no others.

        XLA compiles on the first call and does not say how long that took.
        """
        if not self._has_compiled or len(self._seconds) < 2:
            return 0.0
        return max(0.0, self._seconds[0] - statistics.median(self._seconds[1:]))

    def diagnostics(self) -> Diagnostics | None:
        """What was seen inside the network so far; None without diagnostics.

        The spread of the trained network's activations is known once `result` was called.
        """
        if self._network is None:  # nobody looks into it
            return None
        with settings_of(self._network):
            return self._probe.found(self._network if self._has_ended else None)

    def _look(self) -> None:
        if self._network is not None:
            with memory_errors(), settings_of(self._network):
                self._probe.look()

    def _train(self, epochs: int) -> Iterator[Epoch]:
        """Epochs, trained in blocks. The first one is a block of its own: it may compile, and shows how long one is."""
        rates = learning_rates(self._config, epochs * self._program.steps).reshape(epochs, -1)
        done, count = 0, 1
        while done < epochs:
            may_go_back = count > 1 and self._config["early_stopping"] is not None
            state = self._program.state() if may_go_back else []
            self._block = _Block(first=done + 1, rates=rates[done : done + count], state=state)
            trained = self._train_block(self._block)
            yield from trained
            done += count
            fitting = int(self._block_s / max(trained[-1].metrics["seconds"], 1e-6))
            count = max(1, min(fitting, self._program.block, epochs - done))

    def _train_block(self, block: _Block) -> list[Epoch]:
        """The epochs of a block. They share its time equally: nobody knows how long each of them took."""
        first, rates = block.first, block.rates
        orders = [order_of(self._seed, number, self._arrays) for number in range(first, first + len(rates))]
        compiled, started = self._program.compilations, time.perf_counter()
        with memory_errors():
            found = self._program.epochs(self._rows, orders, rates)
        seconds, now = (time.perf_counter() - started) / len(found), time.time()
        self._has_compiled |= self._program.compilations > compiled
        epochs = [
            Epoch(
                number=first + place,
                at=now - (len(found) - 1 - place) * seconds,
                metrics={**_named(metrics, self._arrays), "learning_rate": float(rates[place, -1]), "seconds": seconds},
            )
            for place, metrics in enumerate(found)
        ]
        return list(map(self._with_watched, epochs)) if self._watched else epochs

    def _with_watched(self, epoch: Epoch) -> Epoch:
        """The epoch with further metrics of the network as it is; one that diverged has none."""
        if not _is_finite(epoch):
            return epoch
        with memory_errors():
            found = final_metrics(self._program.network, self._config, self._arrays)
        return dataclasses.replace(epoch, metrics={**epoch.metrics, **{name: found[name] for name in self._watched}})

    def _stops_early(self, epoch: Epoch) -> bool:
        patience = self._config["early_stopping"]
        if patience is None:
            return False
        best = self._history[self._best_epoch - 1] if self._best_epoch else None
        if best is None or self._is_better(epoch, best):
            self._keep_best(epoch.number)
        return epoch.number - self._best_epoch >= int(patience)

    def _is_better(self, epoch: Epoch, best: Epoch) -> bool:
        name = str(self._config["monitor"])
        one, other = epoch.metrics[name], best.metrics[name]
        return one > other if METRICS[name] == "maximize" else one < other

    def _keep_best(self, epoch: int) -> None:
        """Keep the weights after this epoch, the best so far, or what it takes to find them again."""
        self._best_epoch, self._best_weights, self._best_block = epoch, None, self._block
        if self._block and epoch == self._block.last:
            self._best_weights, self._best_block = values_of(self._program.network.variables), None

    def _train_to_best(self, block: _Block) -> None:
        """Go back to before the block of the best epoch, and train up to that epoch: the same again, bit by bit."""
        self._program.restore(block.state)
        self._train_block(block.until(self._best_epoch))


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Epochs of one call."""

    first: int  # number of its first epoch
    rates: np.ndarray  # (epochs, steps)
    state: list[np.ndarray]  # of the program before it; empty if nobody goes back there

    @property
    def last(self) -> int:
        """Number of its last epoch."""
        return self.first + len(self.rates) - 1

    def until(self, last: int) -> _Block:
        """The block up to this epoch."""
        return dataclasses.replace(self, rates=self.rates[: last + 1 - self.first])


def order_of(seed: int, epoch: int, arrays: Arrays) -> np.ndarray:
    """The numbers of the training rows in the order in which an epoch trains on them."""
    return np.random.default_rng([seed, epoch]).permutation(arrays.train)


def _named(found: EpochMetrics, arrays: Arrays) -> dict[str, float]:
    """The metrics of an epoch, by the names with which they are recorded."""
    name, score, val_score = "accuracy", found.score, found.val_score
    if arrays.standardization:
        unit, name = arrays.standardization.deviation, "rmse"
        score, val_score = (float(np.mean(unit * np.sqrt(one))) for one in (score, val_score))
    return {"loss": found.loss, name: float(score), "val_loss": found.val_loss, f"val_{name}": float(val_score)}


def _is_finite(epoch: Epoch) -> bool:
    return all(map(math.isfinite, epoch.metrics.values()))


class memory_errors:  # noqa: N801 - used like a function
    """Turn the libraries' out-of-memory errors into `TrialFailed`, and those of compiled epochs on disk into theirs."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None and is_unusable(error):
            raise CompiledUnusable(
                f"Compiled epochs on disk cannot be used ({closed(reason(error))}) The trial is trained without them."
            ) from error
        if is_out_of_memory(error):
            raise TrialFailed(
                "Out of memory: the network, the batch or the dataset is too large for this machine. "
                "Fewer units, a smaller batch_size or fewer processes need less."
            ) from error
