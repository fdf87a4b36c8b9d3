"""Which of six optimizers at two learning rates trains a small network best?"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="twelve",
    dataset="fashion_mnist",
    base=dict(depth=1, units=100, activation="relu", batch_size=32, epochs=5),
    vary=dict(
        optimizer=Choice("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"),
        learning_rate=Choice(0.001, 0.01),
    ),
    design=Grid(),
)
