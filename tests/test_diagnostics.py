"""What is seen inside a network is what the network does, and looking changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from factories import make_config
from hpstudy import data
from hpstudy.data import Arrays
from hpstudy.records import Diagnostics, Epoch, LayerDiagnostics
from hpstudy.settings import Settings
from hpstudy.training.diagnostics import activation_of, idle_share, probe_rows, spread
from hpstudy.training.model import make_network
from hpstudy.training.trainer import Trainer

SEED = 42


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return Trainer()


@pytest.fixture
def digits(settings: Settings) -> Arrays:
    return data.prepare("digits", make_config(train_rows=400), SEED, settings)


def look(
    trainer: Trainer, config: dict[str, Any], arrays: Arrays, build: Any = None, seed: int = SEED
) -> tuple[list[Epoch], Diagnostics, keras.Model]:
    training = trainer.start(config, seed, arrays, build, diagnostics=True)
    history = list(training)
    training.result()
    seen = training.diagnostics()
    assert seen
    return history, seen, training.network


def probe(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    rows = probe_rows(arrays, SEED)
    return arrays.x[rows].astype(np.float64) * arrays.scale + arrays.offset, arrays.y[rows]


def by_hand(weights: list[np.ndarray], x: np.ndarray, y: np.ndarray, kind: str) -> tuple[list[np.ndarray], list[float]]:
    """Forward and backward through dense layers with a softmax at the end: activations and gradient norms."""
    outputs = [x]
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        sums = outputs[-1] @ kernel + bias
        outputs.append(1 / (1 + np.exp(-sums)) if kind == "sigmoid" else np.maximum(sums, 0))
    logits = outputs[-1] @ weights[-2] + weights[-1]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    delta = (exponentials / exponentials.sum(axis=1, keepdims=True) - np.eye(logits.shape[1])[y]) / len(y)
    norms = []
    for place in range(len(outputs) - 1, -1, -1):
        norms.insert(0, float(np.sqrt(((outputs[place].T @ delta) ** 2).sum() + (delta.sum(axis=0) ** 2).sum())))
        slope = outputs[place] * (1 - outputs[place]) if kind == "sigmoid" else outputs[place] > 0
        delta = (delta @ weights[2 * place].T) * slope
    return outputs[1:], norms


@pytest.mark.parametrize(
    ("kind", "factors"),
    [("sigmoid", {}), ("relu", {"dropout": 0.3, "l2": 0.01})],
    ids=["sigmoid", "relu with dropout and L2"],
)
def test_gradients_and_histograms_are_those_of_a_pass_by_hand(
    trainer: Trainer, digits: Arrays, kind: str, factors: dict[str, Any]
) -> None:
    config = make_config(train_rows=400, depth=2, activation=kind, initializer="glorot_normal", **factors)
    keras.utils.set_random_seed(SEED)
    first = [variable.numpy() for variable in make_network(config, (8, 8), 10).trainable_variables]
    _, seen, network = look(trainer, config, digits)
    last = [variable.numpy() for variable in network.trainable_variables]
    x, y = probe(digits)
    assert [layer.name for layer in seen.layers] == ["hidden 1", "hidden 2", "output"]
    assert seen.rows == len(y) == 400
    for moment, place, weights in (("start", 0, first), ("end", -1, last)):
        outputs, norms = by_hand(weights, x, y, kind)
        assert [layer.gradient_norms[place] for layer in seen.layers] == pytest.approx(norms, rel=2e-3)
        for layer, output in zip(seen.layers, outputs, strict=False):
            found = getattr(layer, moment)
            counts, _ = np.histogram(output, len(found.counts))
            assert sum(found.counts) == output.size
            assert np.abs(counts - found.counts).sum() <= 0.005 * output.size  # float32 at the edges of bins
            assert (found.low, found.high) == pytest.approx((output.min(), output.max()), rel=1e-3)
    assert seen.layers[-1].start is seen.layers[-1].end is None


def test_looking_changes_no_bit_of_the_training_and_compiles_once(digits: Arrays, keras_calls: list[str]) -> None:
    randomness = dict(dropout=0.3, augmentation="both", l2=0.001, train_rows=400)
    config = make_config(epochs=8, optimizer="nadam", early_stopping=1, learning_rate=0.05, **randomness)
    blind = Trainer().start(config, SEED, digits)
    expected = list(blind)
    result = blind.result()
    assert blind.diagnostics() is None
    shared = Trainer()
    look(shared, {**config, "learning_rate": 0.02, "initializer": "he_normal"}, digits, seed=7)
    assert "Nadam" in keras_calls
    keras_calls.clear()
    history, seen, network = look(shared, config, digits)
    timeless = [{**epoch.metrics, "seconds": 0} for epoch in history]
    assert timeless == [{**epoch.metrics, "seconds": 0} for epoch in expected]
    assert all(
        np.array_equal(one, other)
        for one, other in zip(network.get_weights(), blind.network.get_weights(), strict=True)
    )
    assert len(history) == result["epochs"]
    assert {len(layer.gradient_norms) for layer in seen.layers} == {len(history) + 1}
    assert keras_calls == []


def ratio(seen: Diagnostics) -> float:
    first, last = (seen.layers[place].gradient_norms[0] for place in (0, -1))
    assert first is not None
    assert last
    return first / last


def test_deep_sigmoid_networks_lose_the_gradient_that_glorot_and_he_keep(
    trainer: Trainer, settings_for: Callable[[str], Settings]
) -> None:
    """On Fashion-MNIST, the real one where it is at hand."""
    seen = {}
    for activation, initializer in [("sigmoid", "normal_0.01"), ("relu", "glorot_normal"), ("relu", "he_normal")]:
        config = make_config(
            "fashion_mnist", depth=5, units=50, epochs=1, activation=activation, initializer=initializer
        )
        config["train_rows"] = 100
        arrays = data.prepare("fashion_mnist", config, SEED, settings_for("fashion_mnist"))
        seen[initializer] = look(trainer, config, arrays)[1]
    assert ratio(seen["normal_0.01"]) < 1e-4
    assert 0.1 < ratio(seen["glorot_normal"]) < 10
    assert 0.1 < ratio(seen["he_normal"]) < 10


def idle_shares(seen: Diagnostics, moment: str) -> list[float]:
    return [getattr(layer, moment).idle for layer in seen.layers[:-1]]


def test_an_oversized_learning_rate_kills_relus_and_wide_weights_saturate_sigmoids(
    trainer: Trainer, digits: Arrays
) -> None:
    dying = make_config(train_rows=400, depth=3, optimizer="sgd", learning_rate=3.0)
    _, seen, _ = look(trainer, dying, digits)
    assert max(idle_shares(seen, "end")) > 0.5 > max(idle_shares(seen, "start"))
    wide = make_config(train_rows=400, depth=2, activation="sigmoid", initializer="normal_1")
    assert min(idle_shares(look(trainer, wide, digits)[1], "start")) > 0.2
    narrow = make_config(train_rows=400, depth=2, activation="sigmoid", initializer="glorot_normal")
    assert max(idle_shares(look(trainer, narrow, digits)[1], "start")) == 0.0


def test_of_a_training_that_diverges_the_beginning_is_known(trainer: Trainer, digits: Arrays) -> None:
    config = make_config(train_rows=400, depth=3, optimizer="sgd", learning_rate=1e20, activation="linear")
    training = trainer.start(config, SEED, digits, diagnostics=True)
    list(training)
    training.result()
    seen = training.diagnostics()
    assert seen
    norms = seen.layers[0].gradient_norms
    assert norms[0]
    assert norms[-1] is None
    assert Diagnostics.from_text(seen.to_text()) == seen
    assert all(layer.start and layer.end is None for layer in seen.layers[:-1])


def test_what_counts_as_dead_and_as_saturated() -> None:
    values = np.array([[-1.0, 0.0, 0.5, 0.97], [-2.0, 0.0, 0.0, 0.96], [0.0, -1.0, -0.1, 0.02]])
    assert idle_share(values, "relu") == idle_share(values, "leaky_relu") == 0.5
    assert idle_share(np.array([[0.96, 0.5], [0.04, 0.96], [0.5, 0.5]]), "sigmoid") == 0.5
    assert idle_share(np.array([[0.91, 0.89], [-0.91, -0.89]]), "tanh") == 0.5
    assert idle_share(values, "linear") is None


def test_activations_that_are_no_numbers_or_all_the_same() -> None:
    assert spread(np.full((4, 3), np.nan), "relu") is None
    found = spread(np.array([[np.inf, 1.0], [2.0, np.nan]]), "linear")
    assert found is not None
    assert (sum(found.counts), found.low, found.high) == (2, 1.0, 2.0)
    constant = spread(np.zeros((4, 3)), "relu")
    assert constant is not None
    assert (sum(constant.counts), constant.idle) == (12, 1.0)


def convolutions(config: Any, input_shape: tuple[int, ...], outputs: int) -> keras.Model:
    del config
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Reshape((*input_shape, 1)),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dropout(0.2),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="tanh", name="neck"),
            keras.layers.Dense(outputs, activation="softmax"),
        ]
    )


def nested(config: Any, input_shape: tuple[int, ...], outputs: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(5)], name="inner"),
            keras.layers.Dense(outputs, activation="softmax"),
        ]
    )


def test_an_own_network_is_looked_into_layer_by_layer_under_its_own_names(trainer: Trainer, digits: Arrays) -> None:
    config = make_config(train_rows=400, epochs=1)
    blind = trainer.start(config, SEED, digits, convolutions)
    expected = [epoch.metrics["val_loss"] for epoch in blind]
    for _ in range(2):  # Keras counts the layers of all networks of a process
        history, seen, _ = look(trainer, config, digits, convolutions)
        assert [epoch.metrics["val_loss"] for epoch in history] == expected
        assert [(layer.name, layer.activation) for layer in seen.layers] == [
            ("conv2d", "linear"),
            ("batch_normalization", None),
            ("re_lu", "relu"),
            ("neck", "tanh"),
            ("dense", "softmax"),
        ]
    relu, neck = seen.layers[2:4]
    assert relu.gradient_norms == ()
    assert relu.start
    assert sum(relu.start.counts) == 400 * 6 * 6 * 4
    assert neck.gradient_norms[0]
    assert neck.start
    assert -1.0 <= neck.start.low < neck.start.high <= 1.0


def test_of_a_network_within_a_network_gradients_are_known_and_histograms_are_not(
    trainer: Trainer, digits: Arrays
) -> None:
    _, seen, _ = look(trainer, {**make_config(train_rows=400, epochs=1), "network": "nested"}, digits, nested)
    assert [layer.name for layer in seen.layers] == ["inner", "dense"]
    assert all(layer.gradient_norms[0] and layer.start is None for layer in seen.layers)


def test_words_are_looked_at_unpacked(trainer: Trainer, settings_for: Callable[[str], Settings]) -> None:
    config = make_config("imdb", num_words=100, train_rows=60, epochs=1)
    arrays = data.prepare("imdb", config, SEED, settings_for("imdb"))
    _, seen, network = look(trainer, config, arrays)
    assert seen.layers[0].start
    assert sum(seen.layers[0].start.counts) == seen.rows * 16
    assert network.input_shape == (None, 100)


def test_text_and_back() -> None:
    found = spread(np.linspace(0, 1, 12).reshape(4, 3), "sigmoid")
    layer = LayerDiagnostics(name="hidden 1", activation="sigmoid", gradient_norms=(0.5, None), start=found, end=None)
    seen = Diagnostics(rows=4, layers=(layer, dataclasses.replace(layer, name="출력", start=None, gradient_norms=())))
    assert Diagnostics.from_text(seen.to_text()) == seen
    assert activation_of(keras.layers.Activation("gelu")) == "gelu"
