"""The twelve configurations four times, and twice as long."""

from hpstudy import Choice, Grid, Study

study = Study(
    name="fortyeight",
    dataset="fashion_mnist",
    base=dict(depth=1, units=100, activation="relu", batch_size=32, epochs=10),
    vary=dict(
        optimizer=Choice("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"),
        learning_rate=Choice(0.001, 0.01),
    ),
    design=Grid(replicates=4),
)
