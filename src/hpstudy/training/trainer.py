"""Train one configuration: arrays and a seed go in, epochs come out one by one, then a result.

The same configuration, seed and arrays give the same numbers to the last bit on one kind of CPU.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf

from hpstudy.data import constant_scores, decode
from hpstudy.errors import TrialFailed
from hpstudy.records import Diagnostics, Epoch
from hpstudy.study import factors
from hpstudy.study.factors import Config, Loss, loss_of
from hpstudy.training.diagnostics import GradientNorms, NetworkProbe, NoProbe, Probe
from hpstudy.training.keras_settings import settings_of
from hpstudy.training.model import Build, check_probabilities, learning_rates, make_network, make_own_network
from hpstudy.training.own_program import OwnProgram, is_out_of_memory, predict
from hpstudy.training.program import DenseProgram, EpochMetrics, Program
from hpstudy.training.scoring import final_metrics
from hpstudy.training.sparse_program import SparseProgram, is_worth_it

if TYPE_CHECKING:
    from hpstudy.data import Arrays

KEPT_PROGRAMS = 16  # compiled epochs that a process keeps; each is some megabytes
KEPT_DATASETS = 2  # datasets that a process keeps in the form in which it trains on them
BLOCK_S = 0.25  # about as long may epochs go on in one call, in which nobody can end the trial
FIRST_ROWS = 256  # at most; the rows on which an own network is checked before it is trained

_AnyProgram = TypeVar("_AnyProgram", bound=Program)


class Trainer:
    """Trains one trial after another, sharing compiled programs and datasets between them.

    Args:
        told: Receives what a user should know about an own network, each sentence once.
    """

    def __init__(self, told: Callable[[str], None] = lambda _: None) -> None:
        self._programs: OrderedDict[tuple[Any, ...], Program] = OrderedDict()
        self._datasets: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._gradient_norms: WeakKeyDictionary[Program, GradientNorms] = WeakKeyDictionary()
        self._told, self._said = told, set[str]()

    def start(
        self,
        config: Config,
        seed: int,
        arrays: Arrays,
        build: Build | None = None,
        *,
        diagnostics: bool = False,
        block_s: float = 0.0,
    ) -> Training:
        """Make everything ready for the first epoch.

        Args:
            seed: Decides initial weights, shuffles, dropout and augmentation.
            build: A user's own network instead of the built-in one.
            diagnostics: Also look into the network. The numbers of the training stay the same to the last bit.
            block_s: Seconds for which epochs may go on in one call, before they come out together. Then iterate to
                the end: in between, the weights may be those of a later epoch. 0: they come out one by one. The
                numbers are the same to the last bit. Early stopping and diagnostics need the weights after every
                epoch, so with them it is 0.

        Raises:
            UserError: `build` raised.
            TrialFailed: what `build` made is not a network for this dataset, or does not fit into memory.
        """
        keras.utils.set_random_seed(seed)
        program: Program
        with _memory_errors():
            if build:
                network = make_own_network(build, config, arrays.input_shape, arrays.outputs)
                program = self._own_program(build, config, seed, arrays, network)
            else:
                network = make_network(config, arrays.input_shape, arrays.outputs, arrays.task)
                program = self._program(config, arrays)
                program.start(config, _values(network), seed)
            rows = program.rows(arrays, self._stored(program, arrays))
            probe: Probe = NoProbe()
            if diagnostics:
                norms = self._norms(program, loss_of(config))
                with settings_of(network):
                    probe = NetworkProbe(network, norms, arrays, seed, is_own=build is not None)
            if build:  # it may draw from any of the random generators
                keras.utils.set_random_seed(seed)
        return Training(
            config=config,
            seed=seed,
            arrays=arrays,
            network=network,
            program=program,
            rows=rows,
            probe=probe,
            block_s=0.0 if diagnostics or config["early_stopping"] is not None else block_s,
        )

    @property
    def programs(self) -> list[Program]:
        """The programs that are kept between trials, the most recently used one last."""
        return list(self._programs.values())

    def forget(self) -> None:
        """Free what is kept between trials, for when memory has run out."""
        self._programs.clear()
        self._datasets.clear()

    def _program(self, config: Config, arrays: Arrays) -> Program:
        def make() -> Program:
            return SparseProgram(config, arrays) if is_worth_it(config, arrays) else DenseProgram(config, arrays)

        return self._kept(_structure(config, arrays), make)

    def _own_program(self, build: Build, config: Config, seed: int, arrays: Arrays, network: keras.Model) -> OwnProgram:
        """A program at the beginning of the trial whose `network` was built; the network's first outputs are checked.

        The program has a network of its own, built a second time: not every network can be copied, and `network`
        belongs to the trial.
        """
        start, inputs = _values(network), _first_rows(config, seed, arrays)
        outputs = predict(network, inputs, seed)
        if arrays.task == "classification" and (sentence := check_probabilities(outputs, loss_of(config))):
            self._say(sentence)

        def make() -> OwnProgram:
            keras.utils.set_random_seed(seed)
            other = make_own_network(build, config, arrays.input_shape, arrays.outputs)
            _check_separate(network, other)
            return OwnProgram(config, arrays, other, self._say)

        key = (_Same(build), *_structure(config, arrays, own_network=True))
        known = self._programs.get(key)
        if isinstance(known, OwnProgram):
            known.start(config, start, seed)
            if not known.can_train(inputs, outputs, seed):
                del self._programs[key]
        program = self._kept(key, make)
        program.start(config, start, seed)  # again, because a network may change when it predicts
        return program

    def _kept(self, key: tuple[Any, ...], make: Callable[[], _AnyProgram]) -> _AnyProgram:
        program: Any = self._programs[key] if key in self._programs else make()
        self._programs[key] = program
        self._programs.move_to_end(key)
        while len(self._programs) > KEPT_PROGRAMS:
            self._programs.popitem(last=False)
        kept: _AnyProgram = program
        return kept

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._told(sentence)

    def _norms(self, program: Program, loss: Loss) -> GradientNorms:
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
        is_over: Whether the latest epoch is the last one.
        diverged: The epoch in which the loss became infinite or NaN, or None. That epoch is not iterated over.
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
        probe: Probe,
        block_s: float,
    ) -> None:
        self.network = network
        self._config, self._seed, self._arrays = config, seed, arrays
        self._program, self._rows, self._probe = program, rows, probe
        self._block_s = block_s
        self._history: list[Epoch] = []
        self._best_weights: list[np.ndarray] | None = None
        self._best_epoch = 0
        self._has_ended = self._has_compiled = False
        self._diverging: Epoch | None = None
        self._seconds: list[float] = []  # duration of every epoch, including the one that diverged
        self.is_over = False
        self.diverged: int | None = None

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
        """Put the trained weights into `network` and give the final metrics.

        They are those of the last epoch; with early stopping, those of the best one, whose weights are restored. A
        training that diverged has the scores of the constant predictor, and its weights are useless.
        """
        if self._diverging:
            scores = constant_scores(self._arrays, loss_of(self._config))
            return self._finals({**self._diverging.metrics, **scores})
        weights = self._best_weights or self._weights()
        for variable, value in zip(self.network.variables, weights, strict=True):
            variable.assign(value)
        self._has_ended = True
        kept = self._history[(self._best_epoch or len(self._history)) - 1]
        with _memory_errors():
            return self._finals({**kept.metrics, **final_metrics(self.network, self._config, self._arrays)})

    def _finals(self, scores: Mapping[str, float]) -> dict[str, float]:
        """The final metrics. `train_s` covers every epoch, without compiling, which is `compile_s` if there was any."""
        compile_s = self._compile_s()
        return {
            **scores,
            "epochs": float(len(self._seconds)),
            "parameters": float(self.network.count_params()),
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
        with settings_of(self.network):
            return self._probe.found(self.network if self._has_ended else None)

    def _look(self) -> None:
        with _memory_errors(), settings_of(self.network):
            self._probe.look()

    def _train(self, epochs: int) -> Iterator[Epoch]:
        """Epochs, trained in blocks. The first one is a block of its own: it may compile, and shows how long one is."""
        rates = learning_rates(self._config, epochs * self._program.steps).reshape(epochs, -1)
        done, count = 0, 1
        while done < epochs:
            block = self._train_block(done + 1, rates[done : done + count])
            yield from block
            done += count
            fitting = int(self._block_s / max(block[-1].metrics["seconds"], 1e-6))
            count = max(1, min(fitting, self._program.block, epochs - done))

    def _train_block(self, first: int, rates: np.ndarray) -> list[Epoch]:
        """An epoch for each row of rates. They share their time equally: nobody knows how long each of them took."""
        orders = [_order(self._seed, number, self._arrays) for number in range(first, first + len(rates))]
        compiled, started = self._program.compilations, time.perf_counter()
        with _memory_errors():
            found = self._program.epochs(self._rows, orders, rates)
        seconds, now = (time.perf_counter() - started) / len(found), time.time()
        self._has_compiled |= self._program.compilations > compiled
        return [
            Epoch(
                number=first + place,
                at=now - (len(found) - 1 - place) * seconds,
                metrics={**_named(metrics, self._arrays), "learning_rate": float(rates[place, -1]), "seconds": seconds},
            )
            for place, metrics in enumerate(found)
        ]

    def _stops_early(self, epoch: Epoch) -> bool:
        patience = self._config["early_stopping"]
        if patience is None:
            return False
        best = self._history[self._best_epoch - 1] if self._best_epoch else None
        if best is None or epoch.metrics["val_loss"] < best.metrics["val_loss"]:
            self._best_epoch, self._best_weights = epoch.number, self._weights()
        return epoch.number - self._best_epoch >= int(patience)

    def _weights(self) -> list[np.ndarray]:
        return _values(self._program.network)


@dataclass(frozen=True)
class _Same:
    """Equal only for the very same function. Holds it, so that no later function takes its place in memory."""

    function: Build

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.function is self.function

    def __hash__(self) -> int:
        return id(self.function)


def _structure(config: Config, arrays: Arrays, *, own_network: bool = False) -> tuple[Any, ...]:
    """What trials must have in common to share a compiled program."""
    shape = (arrays.encoding, arrays.features, arrays.x.shape, len(arrays.train), len(arrays.validation))
    return (factors.structure(config, own_network=own_network), arrays.scale.shape, *shape)


def _values(network: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.variables]


def _first_rows(config: Config, seed: int, arrays: Arrays) -> tf.Tensor:
    """The first batch of the first epoch, without augmentation, float32 (rows, *input_shape)."""
    size = config["batch_size"]
    rows = _order(seed, 1, arrays)[: min(FIRST_ROWS, FIRST_ROWS if size == "full" else int(size))]  # type: ignore[arg-type]
    dense = decode(arrays.x[rows], arrays.encoding, arrays.features).astype(np.float32)
    return tf.constant((dense * arrays.scale + arrays.offset).reshape(-1, *arrays.input_shape))


def _order(seed: int, epoch: int, arrays: Arrays) -> np.ndarray:
    """The numbers of the training rows in the order in which an epoch trains on them."""
    return np.random.default_rng([seed, epoch]).permutation(arrays.train)


def _check_separate(network: keras.Model, other: keras.Model) -> None:
    """Raises TrialFailed if two calls of `build` returned networks that share weights."""
    weights = {id(weight) for weight in network.trainable_variables}
    if any(id(weight) in weights for weight in other.trainable_variables):
        raise TrialFailed(
            "The study's build(…) returned layers that it had returned before, so a trial would start with the weights "
            "of another one. Create every layer that learns inside build(…)."
        )


def _named(found: EpochMetrics, arrays: Arrays) -> dict[str, float]:
    """The metrics of an epoch, by the names with which they are recorded."""
    name, score, val_score = "accuracy", found.score, found.val_score
    if arrays.standardization:
        unit, name = arrays.standardization.deviation, "rmse"
        score, val_score = unit * math.sqrt(score), unit * math.sqrt(val_score)
    return {"loss": found.loss, name: score, "val_loss": found.val_loss, f"val_{name}": val_score}


def _is_finite(epoch: Epoch) -> bool:
    return all(map(math.isfinite, epoch.metrics.values()))


class _memory_errors:  # noqa: N801 - used like a function
    """Turn the libraries' out-of-memory errors into `TrialFailed`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if is_out_of_memory(error):
            raise TrialFailed(
                "Out of memory: the network, the batch or the dataset is too large for this machine. "
                "Fewer units, a smaller batch_size or fewer processes need less."
            ) from error
