"""Which optimizer and learning rate train a small network best on 8×8 images of digits?

A first study that needs no download and is over in under a minute: three optimizers, two learning rates,
three replicates each. Adam and momentum should be ahead of plain gradient descent at the small rate.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="quickstart",
    dataset="digits",
    base=dict(depth=1, units=64, activation="relu", batch_size=32, epochs=10),
    vary=dict(
        optimizer=Choice("sgd", "momentum", "adam"),
        learning_rate=Choice(0.001, 0.01),
    ),
    design=Grid(replicates=3),
)
