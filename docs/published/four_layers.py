"""Do four layers of 512 ReLU units reach the published 0.8916, and with dropout 0.3 the published 0.8963?"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="published-four-layers",
    dataset="fashion_mnist",
    base=dict(
        depth=4,
        units=512,
        activation="relu",
        initializer="glorot_normal",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=100,
        epochs=50,
    ),
    vary=dict(dropout=Choice(0.0, 0.3)),
    design=Grid(replicates=3),
)
