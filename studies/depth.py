"""How deep, and how wide, should a network for Fashion-MNIST be?

From no hidden layer at all, which is the single-layer perceptron, to four; each with few and with many units.
More layers can represent more, and are harder to train.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="depth",
    dataset="fashion_mnist",
    base=dict(activation="relu", optimizer="adam", batch_size=100, epochs=10),
    vary=dict(
        depth=Choice(0, 1, 2, 3, 4),
        units=Choice(32, 128, when={"depth": (1, 2, 3, 4)}),
    ),
    design=Grid(replicates=3),
)
