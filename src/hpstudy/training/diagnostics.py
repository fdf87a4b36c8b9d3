"""Look into a network in training: the spread of activations, and how much gradient reaches each layer.

A probe is a fixed sample of the training rows. The network is evaluated on it as for prediction (no dropout, no
augmentation, stored batch statistics), so looking changes neither a weight nor a random generator.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from hpstudy.data import decode
from hpstudy.records import Diagnostics, LayerDiagnostics, Spread
from hpstudy.study.factors import Loss
from hpstudy.training.model import row_losses

if TYPE_CHECKING:
    from hpstudy.data import Arrays

PROBE_ROWS = 512  # at most
BINS = 30  # bins of a histogram
NEAR = 0.05  # share of a bounded activation's range: nearer to a bound, the gradient is below a fifth of its maximum
RELU_LIKE = ("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu")
BOUNDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
_FLOAT16_SCALE = 1024.0  # factor of the loss in float16, where the smallest gradients would become 0
_ACTIVATION_LAYERS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "PReLU": "leaky_relu"}


class Probe(Protocol):
    """Looks into a network while it is trained."""

    def look(self) -> None:
        """Note the gradient norms as they are now."""

    def found(self, network: keras.Model | None) -> Diagnostics | None:
        """All that was seen.

        Args:
            network: The trial's, with its final weights; None if it was not trained to its end.
        """


class NoProbe:
    """The `Probe` of a trial without diagnostics, which looks at nothing."""

    def look(self) -> None:
        pass

    def found(self, network: keras.Model | None) -> None:
        del network


class GradientNorms:
    """The norm of each layer's gradient: a graph that all trials of one structure share.

    It is the Euclidean norm over all weights of a layer. The gradient is that of the mean loss over the probe rows,
    without weight penalties: a penalty's gradient does not come from the layers above, and would hide a vanishing one.
    """

    def __init__(self, network: keras.Model, loss: Loss) -> None:
        self._network, self._loss = network, loss
        self._scale = _FLOAT16_SCALE if network.dtype_policy.name == "mixed_float16" else 1.0
        self._weights = [[weight.value for weight in layer.trainable_weights] for layer in watched(network)]
        self._graph = tf.function(self._norms, autograph=False)

    def __call__(self, inputs: tf.Tensor, labels: tf.Tensor) -> list[float]:
        """One number per watched layer; 0 for a layer without weights.

        Args:
            inputs: float32 (rows, *input_shape).
            labels: As in `row_losses`.
        """
        state = [(variable, variable.numpy()) for variable in self._network.non_trainable_variables]
        norms: list[float] = self._graph(inputs, labels).numpy().tolist()
        for variable, value in state:  # some networks draw random numbers even when they predict
            variable.assign(value)
        return norms

    def _norms(self, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """float64 (layers,): float32 could not hold the squares of an almost vanished gradient."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._weights)
            probabilities = tf.cast(self._network(inputs, training=False), tf.float32)
            loss = tf.reduce_mean(row_losses(self._loss, labels, probabilities)) * self._scale
        gradients = tape.gradient(loss, self._weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        norms = [_norm(of_layer) / self._scale for of_layer in gradients]
        return tf.stack(norms) if norms else tf.zeros(0, tf.float64)


class NetworkProbe:
    """The `Probe` of a trial with diagnostics.

    Args:
        network: The trial's own, with its initial weights.
        norms: Those of the program that trains it.
        seed: The trial's seed, which decides the rows.
        is_own: Whether a study file built the network; then its layers keep the names that they have there.
    """

    def __init__(
        self, network: keras.Model, norms: GradientNorms, arrays: Arrays, seed: int, *, is_own: bool = False
    ) -> None:
        rows = probe_rows(arrays, seed)
        dense = decode(arrays.x[rows], arrays.encoding, arrays.features).astype(np.float32)
        self._inputs = tf.constant((dense * arrays.scale + arrays.offset).reshape(-1, *arrays.input_shape))
        self._labels = tf.constant(arrays.truth[rows])
        self._names = own_names(network) if is_own else names(network)
        self._gradient_norms, self._seen = norms, list[list[float]]()
        self._layers = [(activation_of(layer), bool(layer.trainable_weights)) for layer in watched(network)]
        self._start = spreads(network, self._inputs)

    def look(self) -> None:
        self._seen.append(self._gradient_norms(self._inputs, self._labels))

    def found(self, network: keras.Model | None) -> Diagnostics:
        ends = spreads(network, self._inputs) if network else [None] * len(self._layers)
        by_layer = zip(*self._seen, strict=True) if self._seen else [()] * len(self._layers)
        return Diagnostics(
            rows=len(self._labels),
            layers=tuple(
                LayerDiagnostics(
                    name=name,
                    activation=activation,
                    gradient_norms=tuple(map(_rounded, norms)) if learns else (),
                    start=start,
                    end=end,
                )
                for name, (activation, learns), norms, start, end in zip(
                    self._names, self._layers, by_layer, self._start, ends, strict=True
                )
            ),
        )


def probe_rows(arrays: Arrays, seed: int) -> NDArray[np.int32]:
    """The numbers of the training rows on which a trial of this seed is probed, sorted."""
    count = min(PROBE_ROWS, len(arrays.train))
    chosen: NDArray[np.int32] = np.random.default_rng([seed, 0]).choice(arrays.train, count, replace=False)
    return np.sort(chosen)


def watched(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers that learn and the activation layers, in order from the input."""
    return [layer for layer in network.layers if layer.trainable_weights or _is_activation(layer)]


def names(network: keras.Model) -> list[str]:
    """The names of the built-in network's layers: `hidden 1`, `hidden 2`, …, `output`."""
    return [*(f"hidden {number}" for number in range(1, len(watched(network)))), "output"]


def own_names(network: keras.Model) -> list[str]:
    """The layers' names in the study file. Keras counts unnamed layers across networks; here each starts anew."""
    stems = [re.sub(r"_\d+$", "", layer.name) for layer in watched(network)]
    several, counted = Counter(stems), Counter[str]()
    counted_names = []
    for stem in stems:
        counted[stem] += 1
        counted_names.append(f"{stem} {counted[stem]}" if several[stem] > 1 else stem)
    return counted_names


def activation_of(layer: keras.layers.Layer) -> str | None:
    """`relu`, `sigmoid`, …; None for a layer without an activation function."""
    if type(layer).__name__ in _ACTIVATION_LAYERS:
        return _ACTIVATION_LAYERS[type(layer).__name__]
    function = getattr(layer, "activation", None)
    if function is None or isinstance(function, str):  # a custom layer may keep only the name
        return function
    return str(getattr(function, "__name__", type(function).__name__))


def spreads(network: keras.Model, inputs: tf.Tensor) -> list[Spread | None]:
    """The spread of each watched layer. None for the last one, which is not hidden, and if outputs are out of reach."""
    if not watched(network):
        return []
    hidden = watched(network)[:-1]
    outputs = _outputs(network, hidden, inputs)
    return [*(spread(values, activation_of(layer)) for values, layer in zip(outputs, hidden, strict=True)), None]


def spread(values: NDArray[Any] | None, activation: str | None) -> Spread | None:
    """A histogram over all rows and units.

    Args:
        values: (rows, …, units); for images or sequences, a unit is a channel.
    """
    finite = np.zeros(0) if values is None else values[np.isfinite(values)].astype(np.float64)
    if values is None or not finite.size:
        return None
    counts, edges = np.histogram(finite, BINS)
    return Spread(
        low=_short(edges[0]),
        high=_short(edges[-1]),
        counts=tuple(counts.tolist()),
        idle=idle_share(values.reshape(-1, values.shape[-1]), activation),
    )


def idle_share(values: NDArray[Any], activation: str | None) -> float | None:
    """The share of units that hardly pass on a gradient.

    A unit of a ReLU or one of its relatives is dead if it is never positive. A unit of a sigmoid or tanh is saturated
    if it is within 5 % of its range from a bound on more than half of the rows.

    Args:
        values: (rows, units).
    """
    if activation in RELU_LIKE:
        return _short((~(values > 0).any(axis=0)).mean())
    if activation in BOUNDS:
        low, high = BOUNDS[activation]
        margin = NEAR * (high - low)
        near = (values < low + margin) | (values > high - margin)
        return _short((near.mean(axis=0) > 0.5).mean())
    return None


def _outputs(
    network: keras.Model, layers: list[keras.layers.Layer], inputs: tf.Tensor
) -> list[NDArray[np.float32] | None]:
    """The output of each layer, (rows, …, units); all None if the network is not a graph of its layers."""
    graph = _graph(network, layers)
    if graph is None:
        return [None] * len(layers)
    found = keras.tree.flatten(graph(inputs, training=False))  # Keras unwraps a single output
    return [np.asarray(output, np.float32) for output in found]


def _graph(network: keras.Model, layers: list[keras.layers.Layer]) -> keras.Model | None:
    sources = getattr(network, "inputs", None) or []
    if not layers or len(sources) != 1 or any(isinstance(layer, keras.Model) for layer in layers):
        return None
    try:
        outputs = [layer.output for layer in layers]
        is_one_each = all(isinstance(output, keras.KerasTensor) for output in outputs)
        return keras.Model(sources[0], outputs) if is_one_each else None
    except (ValueError, AttributeError):  # what Keras raises for layers that were never called on a graph
        return None


def _is_activation(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Activation) or type(layer).__name__ in _ACTIVATION_LAYERS


def _norm(gradients: list[tf.Tensor]) -> tf.Tensor:
    squares = [tf.reduce_sum(tf.square(tf.cast(tf.convert_to_tensor(one), tf.float64))) for one in gradients]
    return tf.sqrt(tf.add_n(squares)) if squares else tf.constant(0.0, tf.float64)


def _rounded(value: float) -> float | None:
    return _short(value) if np.isfinite(value) else None


def _short(value: float) -> float:
    """Round to four significant digits: more would only make the database larger."""
    return float(f"{value:.4g}")
