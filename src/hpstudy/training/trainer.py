"""Train one configuration: arrays and a seed go in, epochs come out one by one, then a result.

The same configuration, seed and arrays give the same numbers to the last bit on one kind of CPU.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf

from hpstudy.errors import TrialFailed
from hpstudy.records import Diagnostics, Epoch
from hpstudy.study import factors
from hpstudy.study.factors import Config
from hpstudy.training.diagnostics import GradientNorms, NoProbe, Probe
from hpstudy.training.model import Build, learning_rates, make_network, make_own_network
from hpstudy.training.program import Program
from hpstudy.training.sparse_program import SparseProgram, is_worth_it

if TYPE_CHECKING:
    from hpstudy.data import Arrays

KEPT_PROGRAMS = 16  # compiled epochs that a process keeps; each is some megabytes
KEPT_DATASETS = 2  # that a process keeps in the form in which it trains on them


class Trainer:
    """Trains one trial after another, sharing compiled programs and datasets between them."""

    def __init__(self) -> None:
        self._programs: OrderedDict[tuple[Any, ...], Program] = OrderedDict()
        self._datasets: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._gradient_norms: WeakKeyDictionary[Program, GradientNorms] = WeakKeyDictionary()

    def start(
        self, config: Config, seed: int, arrays: Arrays, build: Build | None = None, *, diagnostics: bool = False
    ) -> Training:
        """Make everything ready for the first epoch.

        Args:
            seed: Decides initial weights, shuffles, dropout and augmentation.
            build: A user's own network instead of the built-in one.
            diagnostics: Look into the network, too. The training's numbers are the same to the last bit.

        Raises:
            UserError: `build` is wrong.
            TrialFailed: the network does not fit into memory.
        """
        keras.utils.set_random_seed(seed)
        with _memory_errors():
            if build:
                network = make_own_network(build, config, arrays.input_shape, arrays.outputs)
            else:
                network = make_network(config, arrays.input_shape, arrays.outputs)
            program = self._program(config, arrays, network if build else None)
            program.start(config, [variable.numpy() for variable in network.variables], seed)
            rows = program.rows(arrays, self._stored(program, arrays))
            probe = NoProbe()
            if diagnostics:
                norms = self._norms(program, str(config["loss"]))
                probe = Probe(network, norms, arrays, seed, is_own=build is not None)
        return Training(
            config=config, seed=seed, arrays=arrays, network=network, program=program, rows=rows, probe=probe
        )

    def forget(self) -> None:
        """Free what is kept between trials, after memory ran out."""
        self._programs.clear()
        self._datasets.clear()

    def _program(self, config: Config, arrays: Arrays, own: keras.Model | None) -> Program:
        key = _structure(config, arrays, own is not None)
        if key not in self._programs:
            if own is None and is_worth_it(config, arrays):
                self._programs[key] = SparseProgram(config, arrays)
            else:
                # An own network becomes part of its program, so the trial that reports gets a copy of it.
                self._programs[key] = Program(config, arrays, keras.models.clone_model(own) if own else None)
        self._programs.move_to_end(key)
        while len(self._programs) > KEPT_PROGRAMS:
            self._programs.popitem(last=False)
        return self._programs[key]

    def _norms(self, program: Program, loss: str) -> GradientNorms:
        if program not in self._gradient_norms:
            self._gradient_norms[program] = GradientNorms(program.network, loss)
        return self._gradient_norms[program]

    def _stored(self, program: Program, arrays: Arrays) -> Any:
        key = (arrays.digest, type(program).__name__)
        if key not in self._datasets:
            self._datasets[key] = program.store(arrays)
        self._datasets.move_to_end(key)
        while len(self._datasets) > KEPT_DATASETS:
            self._datasets.popitem(last=False)
        return self._datasets[key]


class Training:
    """One trial in training. Iterate over it for its epochs; stop whenever you want; then take the result.

    Attributes:
        network: Plain Keras; holds the trained weights once `result` was called.
        is_over: Whether the epoch that came last is the last one.
    """

    def __init__(
        self,
        *,
        config: Config,
        seed: int,
        arrays: Arrays,
        network: keras.Model,
        program: Program,
        rows: Any,
        probe: NoProbe,
    ) -> None:
        self.network = network
        self._config, self._seed, self._arrays = config, seed, arrays
        self._program, self._rows, self._probe = program, rows, probe
        self._history: list[Epoch] = []
        self._best_weights: list[np.ndarray] | None = None
        self._best_epoch = 0
        self._has_ended = False
        self.is_over = False

    def __iter__(self) -> Iterator[Epoch]:
        """Train epoch after epoch.

        Raises:
            TrialFailed: the loss is no finite number, or memory ran out.
        """
        epochs = int(self._config["epochs"])  # type: ignore[arg-type]
        steps = self._program.steps
        rates = learning_rates(self._config, epochs * steps)
        self._look()
        for number in range(1, epochs + 1):
            order = np.random.default_rng([self._seed, number]).permutation(self._arrays.train)
            epoch = self._train_epoch(number, order, rates[(number - 1) * steps : number * steps])
            self._history.append(epoch)
            self._look()
            self.is_over = self._stops_early(epoch) or number == epochs
            yield epoch
            _check_finite(epoch)
            if self.is_over:
                return

    def result(self) -> dict[str, float]:
        """Put the trained weights into `network` and give the final metrics.

        They are those of the last epoch; with early stopping, of the best one, whose weights return.
        """
        weights = self._best_weights or self._weights()
        for variable, value in zip(self.network.variables, weights, strict=True):
            variable.assign(value)
        self._has_ended = True
        kept = self._history[(self._best_epoch or len(self._history)) - 1]
        return {
            **kept.metrics,
            "epochs": float(len(self._history)),
            "parameters": float(self.network.count_params()),
            "train_s": sum(epoch.metrics["seconds"] for epoch in self._history),
        }

    def diagnostics(self) -> Diagnostics | None:
        """What was seen inside the network so far; None if it was not to be looked at.

        How the trained network's activations are spread is known once `result` was called.
        """
        return self._probe.found(self.network if self._has_ended else None)

    def _look(self) -> None:
        with _memory_errors():
            self._probe.look()

    def _train_epoch(self, number: int, order: np.ndarray, rates: np.ndarray) -> Epoch:
        started = time.perf_counter()
        with _memory_errors():
            metrics = asdict(self._program.epoch(self._rows, order, rates))
        seconds = time.perf_counter() - started
        return Epoch(
            number=number,
            at=time.time(),
            metrics={**metrics, "learning_rate": float(rates[-1]), "seconds": seconds},
        )

    def _stops_early(self, epoch: Epoch) -> bool:
        patience = self._config["early_stopping"]
        if patience is None:
            return False
        best = self._history[self._best_epoch - 1] if self._best_epoch else None
        if best is None or epoch.metrics["val_loss"] < best.metrics["val_loss"]:
            self._best_epoch, self._best_weights = epoch.number, self._weights()
        return epoch.number - self._best_epoch >= int(patience)

    def _weights(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self._program.network.variables]


def _structure(config: Config, arrays: Arrays, own_network: bool) -> tuple[Any, ...]:
    """Trials with the same structure share a compiled program."""
    shape = (arrays.encoding, arrays.features, arrays.x.shape, len(arrays.train), len(arrays.validation))
    return (factors.structure(config, own_network=own_network), arrays.scale.shape, *shape)


def _check_finite(epoch: Epoch) -> None:
    for name in ("loss", "val_loss"):
        if not np.isfinite(epoch.metrics[name]):
            raise TrialFailed(
                f"{name} became {epoch.metrics[name]} in epoch {epoch.number}: the training diverged. "
                "A smaller learning rate or another initializer usually mends that."
            )


class _memory_errors:  # noqa: N801 - used like a function
    """Turn the libraries' out-of-memory errors into `TrialFailed`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError) or (
            isinstance(error, tf.errors.InternalError) and "out of memory" in str(error).lower()
        ):
            raise TrialFailed(
                "Out of memory: the network, the batch or the dataset is too large for this machine. "
                "Fewer units, a smaller batch_size or fewer processes need less."
            ) from error
