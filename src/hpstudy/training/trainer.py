"""Make configurations ready to be trained: arrays and a seed go in, a `Training` comes out.

The same configuration, seed and arrays give the same numbers to the last bit on one kind of CPU.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf

from hpstudy.data import decode
from hpstudy.data.cache import release
from hpstudy.errors import TrialFailed
from hpstudy.study import factors
from hpstudy.study.factors import Config, Loss, loss_of
from hpstudy.study.metrics import beyond_usual
from hpstudy.training.diagnostics import GradientNorms, NetworkProbe, NoProbe, Probe
from hpstudy.training.keras_private import set_default_seed
from hpstudy.training.keras_settings import settings_of
from hpstudy.training.learner import assign_all, values_of
from hpstudy.training.model import (
    Build,
    check_probabilities,
    check_unbounded,
    initial_values,
    make_network,
    make_own_network,
)
from hpstudy.training.own_program import OwnProgram, predict
from hpstudy.training.program import DenseProgram, Program
from hpstudy.training.row_weights import row_weights
from hpstudy.training.sparse_program import SparseProgram, is_worth_it
from hpstudy.training.training import Training, memory_errors, order_of

if TYPE_CHECKING:
    from hpstudy.data import Arrays

KEPT_PROGRAMS = 16  # networks, with optimizers, that a process keeps; TensorFlow keeps what was compiled for them
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
        watched: Sequence[str] = (),
    ) -> Training:
        """Make everything ready for the first epoch.

        Args:
            seed: Decides initial weights, shuffles, dropout and augmentation.
            build: A user's own network instead of the built-in one.
            diagnostics: Also look into the network. The numbers of the training stay the same to the last bit.
            block_s: Seconds for which epochs may go on in one call, before they come out together. Then iterate to
                the end: in between, the weights may be those of a later epoch. 0: they come out one by one. The
                numbers are the same to the last bit. Diagnostics and further metrics look at the network after every
                epoch, so with them it is 0.
            watched: Validation metrics that epochs are to have beyond the usual ones (`metrics.beyond_usual`), besides
                that which early stopping watches.

        Raises:
            UserError: `build` raised.
            TrialFailed: what `build` made is not a network for this dataset, or does not fit into memory.
        """
        program: Program
        network: keras.Model | None = None
        with memory_errors():
            if build:  # it may draw from any of the random generators
                keras.utils.set_random_seed(seed)
                network = make_own_network(build, config, arrays.input_shape, arrays.outputs, arrays.task)
                program = self._own_program(build, config, seed, arrays, network)
            else:
                set_default_seed(seed)
                values = initial_values(config, arrays.input_shape, arrays.outputs)
                program = self._program(config, arrays)
                program.start(config, values, seed)
            rows = program.rows(arrays, self._stored(program, arrays), row_weights(config, arrays))
            probe: Probe = NoProbe()
            if diagnostics:
                if network is None:
                    network = make_network(config, arrays.input_shape, arrays.outputs, arrays.task)
                    assign_all(network.variables, values)
                norms = self._norms(program, loss_of(config))
                with settings_of(network):
                    probe = NetworkProbe(network, norms, arrays, seed, is_own=build is not None)
            if build:
                keras.utils.set_random_seed(seed)
        if config["early_stopping"] is not None:
            watched = beyond_usual((*watched, str(config["monitor"])))
        return Training(
            config=config,
            seed=seed,
            arrays=arrays,
            network=network,
            program=program,
            rows=rows,
            probe=probe,
            block_s=0.0 if diagnostics or watched else block_s,
            watched=watched,
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
            kind = SparseProgram if is_worth_it(config, arrays) else DenseProgram
            return kind(config, arrays, repr(structure))

        structure = _structure(config, arrays)
        return self._kept(structure, make)

    def _own_program(self, build: Build, config: Config, seed: int, arrays: Arrays, network: keras.Model) -> OwnProgram:
        """A program at the beginning of the trial whose `network` was built; the network's first outputs are checked.

        The program has a network of its own, built a second time: not every network can be copied, and `network`
        belongs to the trial.
        """
        start, inputs = values_of(network.variables), _first_rows(config, seed, arrays)
        outputs = predict(network, inputs, seed)
        if arrays.task == "regression":
            check_unbounded(network)
        elif sentence := check_probabilities(outputs, loss_of(config)):
            self._say(sentence)

        def make() -> OwnProgram:
            keras.utils.set_random_seed(seed)
            other = make_own_network(build, config, arrays.input_shape, arrays.outputs, arrays.task)
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
            release(arrays.x)  # it was copied
        self._datasets.move_to_end(key)
        while len(self._datasets) > KEPT_DATASETS:
            self._datasets.popitem(last=False)
        return self._datasets[key]


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
    ends = (arrays.input_shape, str(arrays.x.dtype), arrays.task, arrays.outputs, arrays.weights is not None)
    return (factors.structure(config, own_network=own_network), arrays.scale.shape, *shape, *ends)


def _first_rows(config: Config, seed: int, arrays: Arrays) -> tf.Tensor:
    """The first batch of the first epoch, without augmentation, float32 (rows, *input_shape)."""
    size = config["batch_size"]
    rows = order_of(seed, 1, arrays)[: min(FIRST_ROWS, FIRST_ROWS if size == "full" else int(size))]  # type: ignore[arg-type]
    dense = decode(arrays.x[rows], arrays.encoding, arrays.features).astype(np.float32)
    return tf.constant((dense * arrays.scale + arrays.offset).reshape(-1, *arrays.input_shape))


def _check_separate(network: keras.Model, other: keras.Model) -> None:
    """Raises TrialFailed if two calls of `build` returned networks that share weights."""
    weights = {id(weight) for weight in network.trainable_variables}
    if any(id(weight) in weights for weight in other.trainable_variables):
        raise TrialFailed(
            "The study's build(…) returned layers that it had returned before, so a trial would start with the weights "
            "of another one. Create every layer that learns inside build(…)."
        )
