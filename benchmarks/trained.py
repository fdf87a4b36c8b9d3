"""Single epochs in a process of its own: `python -m benchmarks.trained small hpstudy 1 5` prints JSON.

Modes: `hpstudy` (the compiled epoch), `fit` (Keras on the same arrays, dense), `floor` (a large matrix product),
`products` (the matrix products of an epoch at its batch size and nothing else, compiled like hpstudy's), `steps` (what
the parts of a step cost).
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from typing import Any

from hpstudy.training.environment import for_tensorflow

CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "small": ("fashion_mnist", {"depth": 1, "units": 100, "batch_size": 32, "optimizer": "adam"}),
    "deep": ("fashion_mnist", {"depth": 4, "units": 512, "batch_size": 100, "optimizer": "adam"}),
    "small_sgd": ("fashion_mnist", {"depth": 1, "units": 100, "batch_size": 32, "optimizer": "sgd"}),
    "deep_sgd": ("fashion_mnist", {"depth": 4, "units": 512, "batch_size": 100, "optimizer": "sgd"}),
    "imdb": ("imdb", {"num_words": 10_000, "depth": 2, "units": 16, "batch_size": 512, "optimizer": "rmsprop"}),
}
_SIDE = 4096  # rows and columns of the large product; smaller ones are slower


def environment(threads: int) -> dict[str, str]:
    """For a process with so many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "BENCH_THREADS")
    return {**dict.fromkeys(names, str(threads)), "TF_NUM_INTEROP_THREADS": "1", **for_tensorflow()}


def main() -> None:
    name, mode, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[: int(os.environ.get("BENCH_THREADS", len(cores)))])
    modes = {"floor": lambda: _floor(epochs), "products": lambda: _products(name, epochs)}
    modes["steps"] = lambda: _steps(name)
    modes |= {"hpstudy": lambda: _hpstudy(name, epochs), "fit": lambda: _fit(name, epochs)}
    print(json.dumps(modes[mode]()))


def _floor(repeats: int) -> dict[str, Any]:
    """GFLOP/s of a float32 product of two large matrices: the faster of NumPy's and TensorFlow's."""
    import numpy as np
    import tensorflow as tf

    rows = np.random.default_rng(0).random((_SIDE, _SIDE), np.float32)
    product = tf.function(lambda a: tf.linalg.matmul(a, a))
    tensor = tf.constant(rows)
    speeds = []
    for multiply in (lambda: rows @ rows, lambda: product(tensor).numpy()):
        multiply()
        for _ in range(repeats):
            begun = time.perf_counter()
            multiply()
            speeds.append(2 * _SIDE**3 / (time.perf_counter() - begun) / 1e9)
    return {"gflops": max(speeds)}


def _products(name: str, epochs: int) -> dict[str, Any]:
    """Seconds of the products of all training batches: what the compiler reaches at these shapes."""
    import tensorflow as tf

    _, base = CONFIGURATIONS[name]
    rows, batch = 48_000, int(base["batch_size"])
    sizes = [784, *[base["units"]] * base["depth"], 10]
    x = tf.random.uniform((rows, sizes[0]))
    weights = [tf.random.uniform(shape, -0.1, 0.1) for shape in itertools.pairwise(sizes)]

    def step(place: tf.Tensor, *weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
        outputs = [tf.slice(x, (place * batch, 0), (batch, sizes[0]))]
        for weight in weights:
            outputs.append(outputs[-1] @ weight)
        gradient = outputs.pop()
        moved: list[tf.Tensor] = []
        for layer in reversed(range(len(weights))):
            moved.insert(0, weights[layer] - 1e-9 * tf.matmul(outputs[layer], gradient, transpose_a=True))
            if layer:
                gradient = tf.matmul(gradient, weights[layer], transpose_b=True)
        return place + 1, *moved

    steps = rows // batch

    def epoch() -> tf.Tensor:
        return tf.while_loop(lambda place, *_: place < steps, step, (0, *weights))[1]

    run = tf.function(epoch, jit_compile=True, autograph=False)
    seconds = []
    for _ in range(epochs + 1):
        begun = time.perf_counter()
        run().numpy()
        seconds.append(time.perf_counter() - begun)
    return {"seconds": seconds[1:], "accuracy": None}


def _steps(name: str) -> dict[str, Any]:
    from benchmarks.steps import parts_us

    config, arrays = _prepared(name)
    return parts_us(config, arrays.features)


def _prepared(name: str) -> tuple[dict[str, Any], Any]:
    from hpstudy import Grid, Study, data
    from hpstudy.settings import Settings

    dataset, base = CONFIGURATIONS[name]
    config = Study(name="bench", dataset=dataset, base={**base, "epochs": 99}, design=Grid()).config({})
    return dict(config), data.prepare(dataset, config, 42, Settings.load({}))


def _hpstudy(name: str, epochs: int) -> dict[str, Any]:
    """Seconds of each epoch but the first, in which the program is compiled, and what the data need of memory."""
    import psutil

    from hpstudy.training.trainer import Trainer

    process = psutil.Process()
    trainer = Trainer()
    before = process.memory_info().rss
    config, arrays = _prepared(name)
    training = iter(trainer.start(config, 42, arrays))
    data_mb = (process.memory_info().rss - before) / 1e6
    found = [next(training) for _ in range(epochs + 1)]
    return {
        "seconds": [epoch.metrics["seconds"] for epoch in found[1:]],
        "accuracy": found[-1].metrics["val_accuracy"],
        "first_s": found[0].metrics["seconds"],
        "data_mb": data_mb,
        "stored_mb": (arrays.x.nbytes + arrays.y.nbytes) / 1e6,
        "rows": len(arrays.train),
        "validation_rows": len(arrays.validation),
        "features": arrays.features,
    }


def _fit(name: str, epochs: int) -> dict[str, Any]:
    """The same of Keras's own loop on the dense matrix."""
    import keras
    import numpy as np

    from hpstudy import data
    from hpstudy.training.model import make_network, make_optimizer

    config, arrays = _prepared(name)
    x = (
        (data.decode(arrays.x, arrays.encoding, arrays.features) * arrays.scale + arrays.offset)
        .astype("float32")
        .reshape(-1, *arrays.input_shape)
    )
    y = np.asarray(arrays.y)
    keras.utils.set_random_seed(42)
    model = make_network(config, arrays.input_shape, arrays.outputs)
    loss = "binary_crossentropy" if arrays.outputs == 1 else "sparse_categorical_crossentropy"
    model.compile(make_optimizer(config), loss, metrics=["accuracy"])
    train, validation = (x[arrays.train], y[arrays.train]), (x[arrays.validation], y[arrays.validation])
    seconds, accuracy = [], 0.0
    for _ in range(epochs + 1):
        begun = time.perf_counter()
        history = model.fit(*train, config["batch_size"], 1, verbose=0, validation_data=validation).history
        seconds.append(time.perf_counter() - begun)
        accuracy = float(history["val_accuracy"][-1])
    return {"seconds": seconds[1:], "accuracy": accuracy, "data_mb": x.nbytes / 1e6}


if __name__ == "__main__":
    main()
