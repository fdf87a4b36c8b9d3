"""The compiled epoch gives what Keras's `fit` gives, the same every time, and says why it cannot go on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.dummy import DummyClassifier
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.utils.class_weight import compute_sample_weight

from factories import make_config
from hpstudy import Choice, Grid, Study, data
from hpstudy.data import Arrays
from hpstudy.errors import TrialFailed, UserError
from hpstudy.records import Epoch
from hpstudy.serving.hpstudy_model import outputs, probabilities
from hpstudy.settings import Settings
from hpstudy.study.factors import ACTIVATIONS, INITIALIZERS, OPTIMIZERS, complete, dataset_info, default_config
from hpstudy.training.model import (
    initial_values,
    make_initializer,
    make_network,
    make_optimizer,
    row_losses,
    with_scaling,
)
from hpstudy.training.networks import raw_rows, save_own
from hpstudy.training.sparse_program import is_worth_it
from hpstudy.training.trainer import Trainer

TIMES = ("seconds", "train_s", "compile_s")


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    """Shared, as in a trainer process: each test also shows that earlier trials leave no trace."""
    return Trainer()


@pytest.fixture
def words(settings_for: Callable[[str], Settings]) -> Settings:
    """Settings with IMDB."""
    return settings_for("imdb")


def train(
    trainer: Trainer, config: dict[str, Any], arrays: Arrays, seed: int = 42, build: Any = None, block_s: float = 0.0
) -> tuple[list[Epoch], dict[str, float], keras.Model]:
    training = trainer.start(config, seed, arrays, build, block_s=block_s)
    history = list(training)
    return history, training.result(), training.network


def without_times(metrics: Any) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in TIMES}


# What a user of Keras would write for each level. Whatever hpstudy makes of a level is held against this.
KERAS_OPTIMIZERS: dict[str, Callable[[Any, float], keras.optimizers.Optimizer]] = {
    "sgd": lambda rate, momentum: keras.optimizers.SGD(rate, momentum=momentum),
    "momentum": lambda rate, momentum: keras.optimizers.SGD(rate, momentum=momentum),
    "nesterov": lambda rate, momentum: keras.optimizers.SGD(rate, momentum=momentum, nesterov=True),
    "adagrad": lambda rate, _: keras.optimizers.Adagrad(rate),
    "rmsprop": lambda rate, _: keras.optimizers.RMSprop(rate),
    "adam": lambda rate, _: keras.optimizers.Adam(rate),
    "adamw": lambda rate, _: keras.optimizers.AdamW(rate),
    "nadam": lambda rate, _: keras.optimizers.Nadam(rate),
}
KERAS_ACTIVATIONS = {
    "sigmoid": keras.activations.sigmoid,
    "tanh": keras.activations.tanh,
    "relu": keras.activations.relu,
    "leaky_relu": keras.activations.leaky_relu,
    "elu": keras.activations.elu,
    "selu": keras.activations.selu,
    "gelu": keras.activations.gelu,
    "silu": keras.activations.silu,
    "linear": keras.activations.linear,
}
KERAS_INITIALIZERS = {
    "zeros": keras.initializers.Zeros(),
    "normal_1": keras.initializers.RandomNormal(stddev=1.0),
    "normal_0.1": keras.initializers.RandomNormal(stddev=0.1),
    "normal_0.01": keras.initializers.RandomNormal(stddev=0.01),
    "glorot_uniform": keras.initializers.GlorotUniform(),
    "glorot_normal": keras.initializers.GlorotNormal(),
    "he_uniform": keras.initializers.HeUniform(),
    "he_normal": keras.initializers.HeNormal(),
    "lecun_uniform": keras.initializers.LecunUniform(),
    "lecun_normal": keras.initializers.LecunNormal(),
    "orthogonal": keras.initializers.Orthogonal(),
}


def keras_schedule(config: dict[str, Any], total_steps: int) -> Any:
    """Keras's own object for the schedule: what a user would give to `fit`."""
    rate = float(config["learning_rate"])
    if config["schedule"] == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(rate, total_steps, 0.01)
    return keras.optimizers.schedules.CosineDecay(rate, total_steps)


def fit(config: dict[str, Any], arrays: Arrays, seed: int = 42, build: Any = None) -> keras.callbacks.History:
    """Plain Keras on the same initial weights, in the same order of rows."""
    keras.utils.set_random_seed(seed)
    if build:
        model = build(config, arrays.input_shape, arrays.outputs)
        model(np.zeros((1, *arrays.input_shape), np.float32))  # whatever its kind, its weights exist from here on
    else:
        model = make_network(config, arrays.input_shape, arrays.outputs, arrays.task)
    batch = len(arrays.train) if config["batch_size"] == "full" else config["batch_size"]
    epochs, steps = config["epochs"], -(-len(arrays.train) // batch)
    rate = config["learning_rate"] if config["schedule"] == "constant" else keras_schedule(config, epochs * steps)
    optimizer = KERAS_OPTIMIZERS[config["optimizer"]](rate, config["momentum"] or 0.0)
    losses = {
        ("cross_entropy", 1): "binary_crossentropy",
        ("cross_entropy", arrays.outputs): "categorical_crossentropy",
    }
    if arrays.outputs == 1:
        losses["cross_entropy", 1] = "binary_crossentropy"
    loss = "mean_squared_error" if config["loss"] == "mse" else losses.get((config["loss"], arrays.outputs))
    metric = "binary_accuracy" if arrays.outputs == 1 else "categorical_accuracy"
    made: Any = metric
    y = (
        arrays.y[:, None].astype("float32")
        if arrays.outputs == 1
        else np.eye(arrays.outputs, dtype="float32")[arrays.y]
    )
    if arrays.task == "regression":
        loss = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "huber": "huber"}[config["loss"]]
        metric = "root_mean_squared_error"
        made = keras.metrics.RootMeanSquaredError()
        targets = arrays.y[arrays.train].astype(float)
        y = ((arrays.y[:, None] - targets.mean()) / targets.std()).astype("float32")
    model.compile(optimizer=optimizer, loss=loss, metrics=[made])
    x = decode(arrays) * arrays.scale + arrays.offset
    x = x.reshape(-1, *arrays.input_shape)
    history: dict[str, list[float]] = {}
    stopper = keras.callbacks.EarlyStopping(patience=config["early_stopping"] or epochs, restore_best_weights=True)
    stopper.set_model(model)
    stopper.on_train_begin()
    for number in range(1, epochs + 1):
        order = np.random.default_rng([seed, number]).permutation(arrays.train)
        validation = (x[arrays.validation], y[arrays.validation])
        weights = compute_sample_weight("balanced", arrays.y[order]) if config["class_weight"] == "balanced" else None
        result = model.fit(
            x[order], y[order], batch, 1, verbose=0, shuffle=False, validation_data=validation, sample_weight=weights
        )
        logs = {name.replace(metric, "accuracy"): values[0] for name, values in result.history.items()}
        for name, value in logs.items():
            history.setdefault(name, []).append(value)
        stopper.on_epoch_end(number - 1, logs)
        if config["early_stopping"] and model.stop_training:
            break
    result.history = history
    return result


def test_every_level_is_the_class_of_keras_that_bears_its_name() -> None:
    """And Keras's own defaults are those that a study gets that leaves a learning rate out."""
    assert KERAS_OPTIMIZERS.keys() == OPTIMIZERS.keys()
    for name, optimizer in OPTIMIZERS.items():
        config = complete({**default_config(dataset_info("digits")), "optimizer": name})
        made, wanted = make_optimizer(config), KERAS_OPTIMIZERS[name](0.5, 0.9)
        assert type(made) is type(wanted)
        assert made.get_config()["learning_rate"] == pytest.approx(type(wanted)().get_config()["learning_rate"])
        assert optimizer.learning_rate == config["learning_rate"]
    assert KERAS_INITIALIZERS.keys() == INITIALIZERS.keys()
    for name, initializer in KERAS_INITIALIZERS.items():
        made = make_initializer(name)
        assert type(made) is type(initializer)
        assert {**made.get_config(), "seed": None} == {**initializer.get_config(), "seed": None}
    assert KERAS_ACTIVATIONS.keys() == ACTIVATIONS.keys()
    for name, activation in KERAS_ACTIVATIONS.items():
        _, hidden, _ = make_network(make_config(activation=name), (8, 8), 10).layers
        assert hidden.activation is activation


def decode(arrays: Arrays) -> np.ndarray:
    if arrays.encoding == "bits":
        return np.unpackbits(arrays.x, axis=1, count=arrays.features, bitorder="little").astype(np.float32)
    return np.asarray(arrays.x, np.float32)


SAME_AS_FIT: dict[str, dict[str, Any]] = {
    **{f"optimizer {name}": dict(optimizer=name) for name in OPTIMIZERS},
    "another initializer and activation": dict(initializer="orthogonal", activation="selu", depth=2),
    "squared error of standardized rows": dict(loss="mse", scaling="standard"),
    "both penalties on a batch that does not divide the rows": dict(l1=0.0001, l2=0.001, depth=2, batch_size=100),
    "early stopping with a schedule": dict(early_stopping=1, epochs=6, learning_rate=0.05, schedule="exponential"),
    "momentum with a schedule": dict(schedule="cosine", optimizer="sgd", momentum=0.5, learning_rate=0.02),
    "batch larger than the rows": dict(batch_size=5000),
    "full batch": dict(batch_size="full", learning_rate=0.01),
    "one by one": dict(batch_size=1, train_rows=50),
    "binary table": dict(dataset="titanic"),
    "binary squared error without a hidden layer": dict(dataset="titanic", loss="mse", depth=0),
    "gate": dict(dataset="logic_gates", gate="or", epochs=5, batch_size=2),
    "balanced classes": dict(dataset="titanic", class_weight="balanced", batch_size=50),
}


@pytest.mark.parametrize("factors", SAME_AS_FIT.values(), ids=SAME_AS_FIT)
def test_metrics_are_those_of_keras_fit(
    trainer: Trainer, settings_for: Callable[[str], Settings], factors: dict[str, Any]
) -> None:
    config = make_config(**factors)
    dataset = factors.get("dataset", "digits")
    arrays = data.prepare(dataset, config, 42, settings_for(dataset))
    history, _, _ = train(trainer, config, arrays)
    expected = fit(config, arrays).history
    assert len(history) == len(expected["loss"])
    for epoch in history:
        for name in ("loss", "val_loss"):
            assert epoch.metrics[name] == pytest.approx(expected[name][epoch.number - 1], rel=2e-3, abs=1e-4), name
        for name in ("accuracy", "val_accuracy"):
            assert epoch.metrics[name] == pytest.approx(expected[name][epoch.number - 1], abs=0.012), name


BLOCKS: dict[str, dict[str, Any]] = {
    **SAME_AS_FIT,
    "dropout": dict(dropout=0.3),
    **{f"augmentation {kind}": dict(augmentation=kind) for kind in ("shift", "flip", "both")},
    **{f"activation {name}": dict(activation=name, dataset="titanic") for name in ACTIVATIONS},
}


@pytest.mark.parametrize("factors", BLOCKS.values(), ids=BLOCKS)
def test_epochs_of_one_call_have_the_bits_of_epochs_one_by_one(
    trainer: Trainer, settings_for: Callable[[str], Settings], factors: dict[str, Any]
) -> None:
    config = make_config(**{"epochs": 5, **factors})
    dataset = factors.get("dataset", "digits")
    arrays = data.prepare(dataset, config, 42, settings_for(dataset))
    (singly, single, network), (together, result, other) = (
        train(trainer, config, arrays, block_s=block_s) for block_s in (0.0, 60.0)
    )
    assert [without_times(epoch.metrics) for epoch in together] == [without_times(epoch.metrics) for epoch in singly]
    assert [epoch.number for epoch in together] == list(range(1, len(singly) + 1))
    assert without_times(result) == without_times(single)
    for one, another in zip(network.variables, other.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), another.numpy())


def test_many_epochs_of_one_call_end_as_those_one_by_one(trainer: Trainer, settings: Settings) -> None:
    """More than a call trains, one in whose middle the training diverges, and one that early stopping ends."""
    diverging = dict(epochs=20, optimizer="sgd", learning_rate=0.1, l2=10.2)
    stopped = dict(epochs=60, early_stopping=3, learning_rate=0.01)
    for factors in (dict[str, Any](epochs=150, units=4), diverging, stopped):
        config = make_config(**factors)
        arrays = data.prepare("digits", config, 42, settings)
        found = []
        for block_s in (0.0, 60.0):
            training = trainer.start(config, 42, arrays, block_s=block_s)
            history = [(epoch.number, without_times(epoch.metrics), training.is_over) for epoch in training]
            result = without_times(training.result())
            weights = [] if training.diverged else [value.tobytes() for value in training.weights]
            found.append((history, training.diverged, result, weights))
        assert found[0] == found[1]
        assert factors is not diverging or found[1][1] in range(3, 20), "it diverges within the second block"
        assert factors is not stopped or 3 < len(found[1][0]) < 60


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initial_weights_are_those_of_the_keras_network_bit_by_bit(name: str) -> None:
    for factors in (dict(units=16), dict(units="16-12-8", dropout=0.3)):
        config = make_config(initializer=name, **factors)
        keras.utils.set_random_seed(42)
        expected = [variable.numpy() for variable in make_network(config, (8, 8), 10).variables]
        keras.utils.set_random_seed(42)
        for value, one in zip(initial_values(config, (8, 8), 10), expected, strict=True):
            np.testing.assert_array_equal(value, one, strict=True)


@pytest.mark.parametrize(
    "factors",
    [
        dict(loss="mse", depth=2),
        dict(loss="mae", batch_size=50, l2=0.001),
        dict(loss="huber", depth=0, optimizer="sgd", learning_rate=0.1, scaling="minmax"),
    ],
    ids=lambda factors: str(factors["loss"]),
)
@pytest.mark.parametrize("is_own", [False, True], ids=["built-in", "own"])
def test_numbers_are_learned_as_keras_fit_learns_them_and_scored_in_their_own_unit(
    trainer: Trainer, settings: Settings, factors: dict[str, Any], is_own: bool
) -> None:
    def build(config: Any, shape: tuple[int, ...], outputs: int) -> keras.Model:
        hidden, last = keras.layers.Dense(9, "relu"), keras.layers.Dense(outputs)
        return keras.Sequential([keras.Input(shape), hidden, last])

    config = make_config("diabetes", **factors)
    arrays = data.prepare("diabetes", config, 42, settings)
    own = build if is_own else None
    history, result, network = train(trainer, config, arrays, build=own)
    expected = fit(config, arrays, build=own).history
    unit = arrays.y[arrays.train].astype(float).std()
    for epoch in history:
        for name in ("loss", "val_loss"):
            assert epoch.metrics[name] == pytest.approx(expected[name][epoch.number - 1], rel=2e-3), name
        for name in ("rmse", "val_rmse"):
            known = expected[name.replace("rmse", "accuracy")][epoch.number - 1]  # `fit` calls every metric so
            assert epoch.metrics[name] == pytest.approx(unit * known, rel=2e-3), name
    model = with_scaling(network, arrays.scale, arrays.offset, arrays.input_shape, arrays.standardization)
    given, truth = outputs(model, raw_rows(arrays, arrays.validation))[:, 0], arrays.y[arrays.validation]
    assert result["val_mae"] == pytest.approx(mean_absolute_error(truth, given), rel=1e-4)
    assert result["val_rmse"] == pytest.approx(root_mean_squared_error(truth, given), rel=1e-4)
    assert result["val_r2"] == pytest.approx(r2_score(truth, given), abs=1e-4)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_a_regression_that_diverges_has_the_scores_of_the_mean(trainer: Trainer, settings: Settings, loss: str) -> None:
    config = make_config("diabetes", loss=loss, optimizer="sgd", learning_rate=1e38, epochs=2, depth=2)
    arrays = data.prepare("diabetes", config, 42, settings)
    training = trainer.start(config, 42, arrays)
    list(training)
    result = training.result()
    assert training.diverged
    truth = arrays.y[arrays.validation]
    mean = np.full(len(truth), arrays.y[arrays.train].astype(float).mean())
    assert result["val_mae"] == pytest.approx(mean_absolute_error(truth, mean))
    assert result["val_rmse"] == pytest.approx(root_mean_squared_error(truth, mean))
    assert result["val_r2"] == pytest.approx(r2_score(truth, mean))
    as_keras = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "huber": "huber"}[loss]
    of_zero = getattr(keras.losses, as_keras)(arrays.truth[arrays.validation][:, None], np.zeros((len(truth), 1)))
    assert result["val_loss"] == pytest.approx(float(np.mean(of_zero)), rel=1e-5)


def test_dropout_trains_about_as_well_as_that_of_keras_fit(trainer: Trainer, settings: Settings) -> None:
    """Other random numbers, so the same up to chance."""
    config = make_config(depth=2, units=64, dropout=0.3, epochs=6)
    arrays = data.prepare("digits", config, 42, settings)
    history, _, _ = train(trainer, config, arrays)
    expected = fit(config, arrays).history
    for name in ("loss", "val_loss"):
        assert history[-1].metrics[name] == pytest.approx(expected[name][-1], rel=0.2), name
    assert history[-1].metrics["val_accuracy"] == pytest.approx(expected["val_accuracy"][-1], abs=0.04)


def test_words_are_trained_like_keras_fit_on_the_dense_matrix(
    trainer: Trainer, settings_for: Callable[[str], Settings]
) -> None:
    config = make_config("imdb", num_words=1000, depth=2, batch_size=512, train_rows=80)
    arrays = data.prepare("imdb", config, 42, settings_for("imdb"))
    history, _, _ = train(trainer, config, arrays)
    expected = fit(config, arrays).history
    for name in ("loss", "val_loss", "val_accuracy"):
        assert history[-1].metrics[name] == pytest.approx(expected[name][-1], abs=2e-3)


SPARSE_AS_DENSE: dict[str, dict[str, Any]] = {
    "no hidden layer and a full batch with a schedule": dict(
        depth=0, loss="mse", batch_size="full", schedule="cosine", optimizer="nadam"
    ),
    "dropout": dict(depth=2, dropout=0.3),
    "both penalties on a batch that does not divide the rows": dict(l1=0.0001, l2=0.001, batch_size=30, depth=3),
    "early stopping": dict(early_stopping=1, epochs=8, learning_rate=0.05, optimizer="rmsprop"),
    "balanced classes": dict(class_weight="balanced", batch_size=30),
}


@pytest.fixture
def always_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches of the small dataset of the tests, too."""
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("on a GPU words are trained as dense rows; this needs a machine without one")
    monkeypatch.setattr("hpstudy.training.sparse_program.WORTH_CELLS", 1)


@pytest.mark.parametrize("factors", SPARSE_AS_DENSE.values(), ids=SPARSE_AS_DENSE)
@pytest.mark.usefixtures("always_sparse")
def test_only_the_words_that_occur_give_what_keras_fit_gives(
    trainer: Trainer, words: Settings, factors: dict[str, Any]
) -> None:
    config = make_config("imdb", **{"num_words": 1000, "batch_size": 32, "train_rows": 80, **factors})
    arrays = data.prepare("imdb", config, 42, words)
    own = Trainer()
    history, result, network = train(own, config, arrays)
    again, _, _ = train(own, config, arrays)
    assert is_worth_it(config, arrays), "the words are summed"
    assert [without_times(epoch.metrics) for epoch in history] == [without_times(epoch.metrics) for epoch in again]
    assert evaluate_binary(network, arrays) == pytest.approx(result["val_accuracy"])
    names = ("loss", "val_loss", "accuracy", "val_accuracy")
    if config["dropout"]:  # `fit` draws other random numbers, the dense program the same
        matrix = replace(arrays, encoding="dense", x=decode(arrays), digest="dense")
        theirs = [epoch.metrics for epoch in train(trainer, config, matrix)[0]]
    else:
        found = fit(config, arrays).history
        theirs = [{name: found[name][epoch] for name in names} for epoch in range(len(found["loss"]))]
    assert len(history) == len(theirs)
    for epoch, expected in zip(history, theirs, strict=True):
        for name in names:
            assert epoch.metrics[name] == pytest.approx(expected[name], rel=1e-3, abs=1e-3), name


@pytest.mark.usefixtures("always_sparse")
def test_a_second_trial_on_words_compiles_nothing(words: Settings, keras_calls: list[str]) -> None:
    config = make_config("imdb", num_words=1000, batch_size=32, train_rows=80, dropout=0.2, l2=0.001)
    shared = Trainer()
    arrays = data.prepare("imdb", config, 42, words)
    train(shared, config, arrays)
    assert "Adam" in keras_calls
    keras_calls.clear()
    other = {**config, "learning_rate": 0.01, "dropout": 0.4, "l2": 0.1, "initializer": "he_normal"}
    train(shared, other, data.prepare("imdb", other, 43, words), seed=43)
    assert "Adam" not in keras_calls


@pytest.mark.parametrize(
    ("base", "is_sparse"),
    [
        (dict(num_words=10_000, batch_size=512), True),
        (dict(num_words=10_000, batch_size=32), False),
    ],
    ids=["large batches", "small batches"],
)
def test_words_are_summed_where_that_is_faster(words: Settings, base: dict[str, Any], is_sparse: bool) -> None:
    config = make_config("imdb", **base)
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    assert is_worth_it(config, data.prepare("imdb", config, 42, words)) is (is_sparse and not has_gpu)


@pytest.mark.parametrize(
    "factors",
    [dict(dropout=0.3, depth=2, augmentation="both"), dict(optimizer="nadam", l2=0.01, batch_size=50)],
    ids=["random numbers", "a state beside the weights"],
)
def test_the_same_trial_twice_gives_the_same_bits(settings: Settings, factors: dict[str, Any]) -> None:
    """Also when the process has trained other trials with the same compiled program in between."""
    config = make_config(**factors)
    arrays = data.prepare("digits", config, 42, settings)
    shared = Trainer()
    first, first_result, _ = train(shared, config, arrays)
    train(shared, {**config, "learning_rate": 0.05, "initializer": "he_normal"}, arrays, seed=7)
    again, again_result, _ = train(shared, config, arrays)
    fresh, _, _ = train(Trainer(), config, arrays)
    assert [without_times(epoch.metrics) for epoch in first] == [without_times(epoch.metrics) for epoch in again]
    assert [without_times(epoch.metrics) for epoch in first] == [without_times(epoch.metrics) for epoch in fresh]
    assert without_times(first_result) == without_times(again_result)


def test_another_seed_gives_another_result(trainer: Trainer, settings: Settings) -> None:
    config = make_config()
    arrays = data.prepare("digits", config, 42, settings)
    assert (
        train(trainer, config, arrays)[0][0].metrics["loss"] != train(trainer, config, arrays, 43)[0][0].metrics["loss"]
    )


def test_dropout_lowers_training_accuracy_but_not_that_of_the_whole_network(
    trainer: Trainer, settings: Settings
) -> None:
    config = make_config(depth=2, units=64, dropout=0.5, epochs=15)
    arrays = data.prepare("digits", config, 42, settings)
    history, _, _ = train(trainer, config, arrays)
    assert history[-1].metrics["accuracy"] < history[-1].metrics["val_accuracy"]
    assert history[-1].metrics["val_accuracy"] > 0.85


def test_dropout_drops_the_share_that_it_was_told(settings: Settings) -> None:
    """A network that passes its input on loses that share of it; the rest is scaled up to the same mean."""
    from hpstudy.training.keras_private import SharedRateDropout

    del settings
    layer = SharedRateDropout(tf.Variable(0.3))
    passed = tf.function(lambda x: layer(x, training=True), jit_compile=True)(tf.ones((1000, 100))).numpy()
    assert (passed == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert passed.mean() == pytest.approx(1.0, abs=0.01)
    assert (layer(tf.ones((4, 4)), training=False).numpy() == 1).all()


@pytest.mark.parametrize("kind", ["shift", "flip", "both"])
def test_augmentation_moves_images_and_keeps_their_pixels(kind: Any) -> None:
    from hpstudy.training.augmentation import Augment

    augment = Augment(kind, keras.random.SeedGenerator(0))
    image = np.zeros((8, 8), np.float32)
    image[3, 4], image[4, 4], image[4, 3] = 1.0, 2.0, 3.0
    moved = augment(tf.constant(np.tile(image.reshape(1, 64), (500, 1))), (8, 8)).numpy().reshape(-1, 8, 8)
    assert all(sorted(one[one > 0]) == [1.0, 2.0, 3.0] for one in moved)
    corners = {tuple(np.argwhere(one == 2.0)[0]) for one in moved}
    rows, columns = ({corner[axis] for corner in corners} for axis in (0, 1))
    assert rows == ({4} if kind == "flip" else {2, 3, 4, 5, 6})
    assert columns == {"shift": {2, 3, 4, 5, 6}, "flip": {3, 4}, "both": {1, 2, 3, 4, 5, 6}}[kind]


def test_a_second_trial_of_the_same_structure_compiles_nothing(settings: Settings, keras_calls: list[str]) -> None:
    config = make_config(dropout=0.2, l2=0.001)
    shared = Trainer()
    train(shared, config, data.prepare("digits", config, 42, settings))
    assert "Adam" in keras_calls
    keras_calls.clear()
    changed = dict(learning_rate=0.01, dropout=0.4, l2=0.1, initializer="he_normal", schedule="cosine")
    other = {**config, **changed}
    train(shared, other, data.prepare("digits", other, 43, settings), seed=43)
    assert "Adam" not in keras_calls


def test_momentum_and_nesterov_of_every_strength_share_what_was_compiled(settings: Settings) -> None:
    """Without momentum all are plain SGD. That each takes its own steps to the last bit: test_private_parts."""
    shared = Trainer()
    arrays = data.prepare("digits", make_config(), 42, settings)
    losses = set()
    for optimizer, momentum in (("momentum", 0.9), ("nesterov", 0.9), ("nesterov", 0.5), ("sgd", 0.8)):
        config = make_config(units=23, optimizer=optimizer, momentum=momentum, dropout=0.2, l2=0.001)
        losses.add(train(shared, config, arrays)[0][-1].metrics["loss"])
    assert (len(losses), len(shared.programs), shared.programs[0].compilations) == (4, 1, 1)
    for optimizer in ("sgd", "momentum", "nesterov"):
        train(shared, make_config(units=23, optimizer=optimizer, momentum=0.0), arrays)
    assert len(shared.programs) == 2


def test_early_stopping_returns_the_best_weights(trainer: Trainer, settings: Settings) -> None:
    config = make_config(early_stopping=2, epochs=40, learning_rate=0.05, units=32)
    arrays = data.prepare("digits", config, 42, settings)
    history, result, network = train(trainer, config, arrays)
    best = min(history, key=lambda epoch: epoch.metrics["val_loss"])
    assert len(history) == best.number + 2 < 40
    for patience, last in ((2, len(history)), (None, 2)):  # a pruner must not take the last epoch for an early end
        short = {**config, "early_stopping": patience, "epochs": 40 if patience else 2}
        training = trainer.start(short, 42, arrays)
        assert [training.is_over for _ in training] == [number == last for number in range(1, last + 1)]
    assert result["val_loss"] == best.metrics["val_loss"]
    assert evaluate(network, arrays) == pytest.approx(best.metrics["val_accuracy"])


def test_early_stopping_watches_the_metric_that_it_is_told_to(trainer: Trainer, settings: Settings) -> None:
    config = make_config("wine", early_stopping=3, monitor="val_auc", epochs=60, learning_rate=0.003)
    arrays = data.prepare("wine", config, 42, settings)
    history, result, _ = train(trainer, config, arrays, block_s=60.0)
    best = max(history, key=lambda epoch: epoch.metrics["val_auc"])
    assert len(history) == best.number + 3 < 60
    assert result["val_auc"] == best.metrics["val_auc"]
    usual, _, _ = train(trainer, {**config, "early_stopping": None, "epochs": best.number}, arrays)
    assert {**usual[-1].metrics, "val_auc": 0, "seconds": 0} == {**best.metrics, "val_auc": 0, "seconds": 0}


def test_watched_metrics_are_those_of_every_epochs_network_and_change_nothing(
    trainer: Trainer, settings: Settings
) -> None:
    config = make_config("wine", epochs=3)
    arrays = data.prepare("wine", config, 42, settings)
    training = trainer.start(config, 42, arrays, watched=("val_f1",), block_s=60.0)
    history, result = list(training), training.result()
    assert history[-1].metrics["val_f1"] == result["val_f1"]
    assert len({epoch.metrics["val_f1"] for epoch in history}) > 1
    plain, usual, _ = train(trainer, config, arrays)
    assert without_times(usual) == without_times(result)
    assert "val_f1" not in plain[0].metrics


def evaluate(network: keras.Model, arrays: Arrays) -> float:
    """Validation accuracy, counted outside hpstudy."""
    x = (decode(arrays) * arrays.scale + arrays.offset).reshape(-1, *arrays.input_shape)[arrays.validation]
    guesses = network.predict(x, verbose=0).argmax(axis=1)
    return float((guesses == arrays.y[arrays.validation]).mean())


def evaluate_binary(network: keras.Model, arrays: Arrays) -> float:
    guesses = network.predict(decode(arrays)[arrays.validation], verbose=0)[:, 0] > 0.5
    return float((guesses == arrays.y[arrays.validation]).mean())


def test_the_network_that_comes_out_is_plain_keras_and_takes_raw_rows(
    trainer: Trainer, settings: Settings, tmp_path: Any
) -> None:
    config = make_config(scaling="standard", dropout=0.1, l2=0.001)
    arrays = data.prepare("digits", config, 42, settings)
    _, result, network = train(trainer, config, arrays)
    file = tmp_path / "model.keras"
    with_scaling(network, arrays.scale, arrays.offset).save(file)
    loaded = keras.models.load_model(file)
    raw = arrays.x[arrays.validation].reshape(-1, *arrays.input_shape)
    accuracy = (loaded.predict(raw, verbose=0).argmax(axis=1) == arrays.y[arrays.validation]).mean()
    assert accuracy == pytest.approx(result["val_accuracy"])


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_a_training_that_diverges_has_the_scores_of_the_constant_predictor(
    trainer: Trainer, settings: Settings, loss: str
) -> None:
    """Held against scikit-learn's, which gives every row the classes' shares of the training rows."""
    config = make_config(optimizer="sgd", learning_rate=1e20, activation="linear", epochs=5, depth=3, loss=loss)
    arrays = data.prepare("digits", config, 42, settings)
    training = trainer.start(config, 42, arrays)
    history = list(training)
    assert training.diverged == len(history) + 1 <= 5
    assert all(math.isfinite(epoch.metrics["loss"] + epoch.metrics["val_loss"]) for epoch in history)
    result = training.result()
    labels, dummy = arrays.y[arrays.train], DummyClassifier(strategy="prior")
    dummy.fit(np.zeros((len(labels), 1)), labels)
    for prefix, rows in (("", arrays.train), ("val_", arrays.validation)):
        nothing, truth = np.zeros((len(rows), 1)), arrays.y[rows]
        assert result[f"{prefix}accuracy"] == dummy.score(nothing, truth)
        given = dummy.predict_proba(nothing)
        expected = log_loss(truth, given) if loss == "cross_entropy" else np.mean((given - np.eye(10)[truth]) ** 2)
        assert result[f"{prefix}loss"] == pytest.approx(expected)
    truth = arrays.y[arrays.validation]
    given = dummy.predict_proba(np.zeros((len(truth), 1)))
    assert result["val_auc"] == 0.5 == roc_auc_score(truth, given, multi_class="ovr")
    assert result["val_log_loss"] == pytest.approx(log_loss(truth, given), rel=1e-6)
    assert result["epochs"] == training.diverged
    assert result["parameters"] == training.network.count_params()


@pytest.mark.parametrize("dataset", ["wine", "breast_cancer"])
def test_a_trial_ends_with_the_metrics_that_scikit_learn_gives_for_its_predictions(
    trainer: Trainer, settings: Settings, dataset: str
) -> None:
    arrays = data.prepare(dataset, {}, 42, settings)
    _, result, network = train(trainer, make_config(epochs=3, units=8, scaling="standard"), arrays)
    rows = (raw_rows(arrays, arrays.validation) * arrays.scale + arrays.offset).astype(np.float32)
    given, truth = probabilities(network, rows), arrays.y[arrays.validation]
    guesses = given.argmax(axis=1)
    of_class = (truth, given[:, 1]) if dataset == "breast_cancer" else (np.eye(3)[truth], given)
    expected = {
        "val_balanced_accuracy": balanced_accuracy_score(truth, guesses),
        "val_f1": f1_score(truth, guesses, average="macro"),
        "val_auc": roc_auc_score(of_class[0], of_class[1]),
        "val_average_precision": average_precision_score(*of_class),
        "val_log_loss": log_loss(truth, given.astype(np.float32)),
    }
    if dataset == "breast_cancer":
        expected["val_brier"] = brier_score_loss(*of_class)
    assert {name: result[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert (guesses == truth).mean() == pytest.approx(result["val_accuracy"])


def normalized(config: Any, shape: tuple[int, ...], outputs: int) -> keras.Model:
    """It keeps statistics besides its weights."""
    layers = [keras.layers.Flatten(), keras.layers.BatchNormalization(), keras.layers.Dense(outputs, "softmax")]
    return keras.Sequential([keras.Input(shape), *layers])


@pytest.mark.parametrize("build", [None, normalized])
def test_a_training_that_diverges_leaves_no_trace_in_the_next_one(settings: Settings, build: Any) -> None:
    """Although it shares the compiled epoch, whose weights are not finite by then."""
    config = make_config(optimizer="sgd", epochs=1, depth=2, activation="linear", l2=0.001)
    arrays, trainer = data.prepare("digits", config, 42, settings), Trainer()
    _, before, _ = train(trainer, config, arrays, build=build)
    training = trainer.start({**config, "learning_rate": 1e38}, 42, arrays, build)
    assert (list(training), training.diverged) == ([], 1)
    assert training.result()["val_accuracy"] < 0.2
    _, after, _ = train(trainer, config, arrays, build=build)
    assert without_times(after) == without_times(before)


def test_the_first_trial_of_a_structure_tells_compiling_from_training(settings: Settings) -> None:
    config = make_config(epochs=4, units=29)
    arrays = data.prepare("digits", config, 42, settings)
    history, first, _ = train(Trainer(), config, arrays)
    assert first["train_s"] + first["compile_s"] == pytest.approx(sum(epoch.metrics["seconds"] for epoch in history))
    assert first["compile_s"] > first["train_s"]
    later = train(Trainer(), {**config, "learning_rate": 0.02}, arrays)[1]
    assert "compile_s" not in later, "a process keeps what it has compiled, whoever trains"


def test_a_network_beyond_the_memory_fails_and_the_process_goes_on(trainer: Trainer, settings: Settings) -> None:
    config = make_config(units=200_000, depth=2)
    arrays = data.prepare("digits", config, 42, settings)
    with pytest.raises(TrialFailed, match="Out of memory"):
        train(trainer, config, arrays)
    assert train(trainer, make_config(), arrays)[1]["val_accuracy"] > 0.1


class Twice(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    """Cannot say its config, as layers in tutorials."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs * self.factor


class InPython(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        outputs = tf.numpy_function(lambda values: values / 16, [inputs], tf.float32)
        return tf.ensure_shape(outputs, inputs.shape)


class Drawing(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    """Draws from TensorFlow, not from Keras."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return inputs + tf.random.normal(tf.shape(inputs), stddev=0.1) if training else inputs


class Counting(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    """Keeps a state of which Keras does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = tf.Variable(0.0, trainable=False)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if training:
            self.steps.assign_add(1.0)
        return inputs * (1.0 + 0.05 * self.steps)


class Costing(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        self.add_loss(0.01 * keras.ops.mean(keras.ops.square(inputs)))
        return inputs


class Subclassed(keras.Model):  # type: ignore[misc] # Keras has no types
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.flat, self.last = keras.layers.Flatten(), keras.layers.Dense(outputs, activation="softmax")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.last(self.flat(inputs))


def mixed(shape: tuple[int, ...], layers: list[keras.layers.Layer]) -> keras.Model:
    keras.mixed_precision.set_global_policy("mixed_float16")
    return keras.Sequential([keras.Input(shape), *layers])


def flat_and_dense(outputs: int, activation: str | None = "softmax") -> list[keras.layers.Layer]:
    return [keras.layers.Flatten(), keras.layers.Dense(outputs, activation=activation)]


def around(*first: Callable[[], keras.layers.Layer]) -> Any:
    """A `build` with these layers before a dense one; images have a channel."""

    def build(config: Any, shape: tuple[int, ...], outputs: int) -> keras.Model:
        layers = [keras.layers.Reshape((*shape, 1)), *(make() for make in first), *flat_and_dense(outputs)]
        return keras.Sequential([keras.Input(shape), *layers])

    return build


def compiled(config: Any, shape: tuple[int, ...], outputs: int) -> keras.Model:
    model = keras.Sequential(flat_and_dense(outputs))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


LIKE_FIT = {
    "a subclassed model": lambda config, shape, outputs: Subclassed(outputs),
    "a model within a model": lambda config, shape, outputs: keras.Sequential(
        [keras.Input(shape), keras.Sequential(flat_and_dense(16, "relu")), keras.layers.Dense(outputs, "softmax")]
    ),
    "costs of its own": around(Costing, lambda: keras.layers.ActivityRegularization(l2=0.001)),
    "statistics of batches": around(lambda: keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization),
    "a compiled model without input": compiled,
}
UNLOADABLE = "a lambda and a layer without config"
TRAINED = {
    **LIKE_FIT,
    UNLOADABLE: around(
        lambda: keras.layers.Lambda(lambda x: x * 2.0), lambda: Twice(0.5), lambda: keras.layers.GaussianNoise(0.1)
    ),
    "a recurrent layer that drops out": lambda config, shape, outputs: keras.Sequential(
        [keras.Input(shape), keras.layers.GRU(6, recurrent_dropout=0.2), keras.layers.Dense(outputs, "softmax")]
    ),
    "a state of which Keras does not know": around(Counting),
    "numbers of 64 bits": around(lambda: keras.layers.Conv2D(2, 3, dtype="float64")),
    "numbers of 16 bits": lambda config, shape, outputs: mixed(
        shape, [keras.layers.Flatten(), keras.layers.Dense(outputs, activation="softmax", dtype="float32")]
    ),
}
WITHOUT_XLA = {
    "random numbers of TensorFlow": around(Drawing),
    "rotation, zoom and translation": around(
        lambda: keras.layers.RandomRotation(0.05),
        lambda: keras.layers.RandomZoom(0.1),
        lambda: keras.layers.RandomTranslation(0.1, 0.1),
    ),
    "Python within": around(InPython),
}


@pytest.mark.parametrize(("kind", "build"), {**TRAINED, **WITHOUT_XLA}.items(), ids={**TRAINED, **WITHOUT_XLA})
def test_whatever_keras_trains_is_trained_like_fit_and_the_same_again(
    settings: Settings, kind: str, build: Any
) -> None:
    """After a replicate that had the same program as in a new process; where XLA is not used, that is said once."""
    said: list[str] = []
    config = make_config(epochs=2, batch_size=32, optimizer="adam", train_rows=300)
    arrays = data.prepare("digits", config, 42, settings)
    alone, shared = Trainer(said.append), Trainer(lambda _: None)
    history, result, network = train(alone, config, arrays, build=build)
    train(shared, config, arrays, seed=43, build=build)
    again, _, _ = train(shared, config, arrays, build=build)
    assert [without_times(epoch.metrics) for epoch in history] == [without_times(epoch.metrics) for epoch in again]
    assert history[1].metrics["loss"] < history[0].metrics["loss"]
    assert evaluate(network, arrays) == pytest.approx(result["val_accuracy"], abs=0.02)
    assert [sentence for sentence in said if "without XLA" in sentence] == said
    assert len(said) == (kind in WITHOUT_XLA)
    assert all(("seed" in sentence) == (kind == "random numbers of TensorFlow") for sentence in said)
    assert keras.config.dtype_policy().name == "float32", "what a network sets of Keras is its own"
    if kind in LIKE_FIT:  # the others draw other random numbers there, or count steps and bits otherwise
        for name, values in fit(config, arrays, build=build).history.items():
            assert [epoch.metrics[name] for epoch in history] == pytest.approx(values, rel=2e-3, abs=1e-4), name


@pytest.mark.parametrize("kind", ["a subclassed model", UNLOADABLE])
def test_weights_are_kept_of_a_network_that_keras_cannot_load(
    trainer: Trainer, settings: Settings, tmp_path: Path, kind: str
) -> None:
    """And what `build` returns takes them, as the sentence at the end of a study says."""
    config = make_config(epochs=1, train_rows=300)
    arrays = data.prepare("digits", config, 42, settings)
    _, _, network = train(trainer, config, arrays, build=TRAINED[kind])
    rows = raw_rows(arrays, arrays.validation[:32])
    model = with_scaling(network, arrays.scale, arrays.offset, arrays.input_shape)
    file = save_own(model, tmp_path / "seed-0.keras", rows)
    assert [file] == list(tmp_path.glob("seed-*")), "half a model is not left behind"
    assert file.name == "seed-0.weights.h5"
    again = TRAINED[kind](config, arrays.input_shape, arrays.outputs)
    scaled = rows * arrays.scale + arrays.offset
    again(scaled)
    again.load_weights(file)
    np.testing.assert_allclose(again(scaled), model(rows), rtol=1e-5, atol=1e-6)


def test_a_subclassed_network_is_looked_into_and_stopped_early_as_the_others(settings: Settings) -> None:
    """The weights of the best epoch return, and looking changes no number."""
    config = make_config(epochs=8, early_stopping=1, learning_rate=0.1, optimizer="adam", train_rows=300)
    arrays, build = data.prepare("digits", config, 42, settings), TRAINED["a subclassed model"]
    trainer = Trainer()
    history, result, network = train(trainer, config, arrays, build=build)
    training = trainer.start(config, 42, arrays, build, diagnostics=True)
    assert [without_times(epoch.metrics) for epoch in training] == [without_times(epoch.metrics) for epoch in history]
    assert without_times(training.result()) == without_times(result)
    best = min(history, key=lambda epoch: epoch.metrics["val_loss"])
    assert best.number < len(history) < 8
    assert result["val_loss"] == best.metrics["val_loss"]
    assert evaluate(network, arrays) == pytest.approx(best.metrics["val_accuracy"], abs=0.01)
    found = training.diagnostics()
    assert found
    assert [len(layer.gradient_norms) for layer in found.layers] == [len(history) + 1]


UNFIT = {
    "no model": (lambda config, shape, outputs: "model", "must return a keras.Model"),
    "another output": (
        lambda config, shape, outputs: keras.Sequential([keras.Input(shape), keras.layers.Flatten()]),
        r"shape \(None, 10\)",
    ),
    "two outputs": (
        lambda config, shape, outputs: keras.Model(
            row := keras.Input(shape),
            [layer(keras.layers.Flatten()(row)) for layer in map(keras.layers.Dense, (10, 1))],
        ),
        "10 probabilities per row",
    ),
    "logits": (
        lambda config, shape, outputs: keras.Sequential([keras.Input(shape), *flat_and_dense(outputs, None)]),
        "probabilities.*softmax",
    ),
}


@pytest.mark.parametrize(("build", "sentence"), UNFIT.values(), ids=UNFIT)
def test_a_network_that_gives_no_probabilities_fails_its_trial(
    trainer: Trainer, settings: Settings, build: Any, sentence: str
) -> None:
    config = make_config()
    with pytest.raises(TrialFailed, match=sentence):
        train(trainer, config, data.prepare("digits", config, 42, settings), build=build)


def test_a_build_that_raises_is_named(trainer: Trainer, settings: Settings) -> None:
    config = make_config()
    with pytest.raises(UserError, match="raised KeyError"):
        train(trainer, config, data.prepare("digits", config, 42, settings), build=lambda given, *_: given["absent"])


@pytest.mark.parametrize(("loss", "warns"), [("cross_entropy", True), ("mse", False)])
def test_rows_that_do_not_sum_to_one_are_a_warning_but_with_mse(settings: Settings, loss: str, warns: bool) -> None:
    def build(config: Any, shape: tuple[int, ...], outputs: int) -> keras.Model:
        return keras.Sequential([keras.Input(shape), *flat_and_dense(outputs, "sigmoid")])

    said: list[str] = []
    config = make_config(loss=loss)
    trainer, arrays = Trainer(said.append), data.prepare("digits", config, 42, settings)
    for _ in range(2):
        train(trainer, config, arrays, build=build)
    assert len(said) == warns
    assert all("sum" in sentence for sentence in said)


def test_binary_cross_entropy_has_the_published_value() -> None:
    losses = row_losses("cross_entropy", tf.constant([1, 0, 0, 1]), tf.constant([[0.8], [0.3], [0.5], [0.9]]))
    assert float(tf.reduce_mean(losses)) == pytest.approx(0.3445814, abs=1e-6)


def test_categorical_cross_entropy_has_the_published_value() -> None:
    probabilities = tf.constant([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2]])
    losses = row_losses("cross_entropy", tf.constant([1, 2, 0]), probabilities)
    assert float(tf.reduce_mean(losses)) == pytest.approx(1.936381, abs=1e-6)


@pytest.mark.parametrize(
    ("gate", "depth", "learned"),
    [("and", 0, True), ("or", 0, True), ("nand", 0, True), ("xor", 0, False), ("xor", 1, True)],
)
def test_a_perceptron_learns_all_gates_but_xor_and_a_hidden_layer_learns_that(
    trainer: Trainer, settings: Settings, gate: str, depth: int, learned: bool
) -> None:
    config = make_config(
        "logic_gates",
        gate=gate,
        depth=depth,
        activation="tanh",
        learning_rate=0.1,
        batch_size="full",
        epochs=200,
        units=8,
    )
    _, result, _ = train(trainer, config, data.prepare("logic_gates", config, 42, settings))
    assert (result["accuracy"] == 1.0) is learned
    assert math.isfinite(result["loss"])


def test_a_factor_of_choice_levels_reaches_the_network() -> None:
    study = Study(name="s", dataset="digits", vary=dict(units=Choice(8, 24, "8-3")), design=Grid())
    sizes = [make_network(study.config(cell.params), (8, 8), 10).count_params() for cell in study.cells()]
    one, other, layers = 65 * 8 + 9 * 10, 65 * 24 + 25 * 10, 65 * 8 + 9 * 3 + 4 * 10
    assert sizes == [one, other, layers]


@pytest.mark.parametrize(
    ("dataset", "loss", "activation"),
    [
        ("breast_cancer", "cross_entropy", "sigmoid"),
        ("wine", "cross_entropy", "softmax"),
        ("wine", "mse", "sigmoid"),
        ("diabetes", "huber", "linear"),
    ],
)
def test_an_own_network_is_told_what_its_last_layer_needs(
    trainer: Trainer, settings: Settings, dataset: str, loss: str, activation: str
) -> None:
    told = []

    def build(config: Any, input_shape: tuple[int, ...], outputs: int, output_activation: str) -> keras.Model:
        told.append(output_activation)
        return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(outputs, activation=output_activation)])

    config = make_config(dataset, loss=loss, epochs=1)
    history, _, _ = train(trainer, config, data.prepare(dataset, config, 42, settings), build=build)
    assert set(told) == {activation}
    assert len(history) == 1


def test_an_own_network_of_numbers_whose_output_has_bounds_fails_its_trial(
    trainer: Trainer, settings: Settings
) -> None:
    def build(config: Any, input_shape: tuple[int, ...], outputs: int) -> keras.Model:
        return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(outputs, activation="sigmoid")])

    config = make_config("diabetes", epochs=1)
    with pytest.raises(TrialFailed, match=r"its last layer has the activation 'sigmoid'. End it with a linear layer"):
        trainer.start(config, 42, data.prepare("diabetes", config, 42, settings), build)
