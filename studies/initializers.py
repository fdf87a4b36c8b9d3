"""Which initial weights let a deep network learn at all, with sigmoid and with ReLU?

Weights of standard deviation 1 saturate sigmoids, 0.01 makes all units alike, and either way hardly a gradient
reaches the first layers. Glorot (Xavier) keeps the variance of activations for sigmoid-like functions, He for
ReLU. Five hidden layers show the difference that one would hide.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="initializers",
    dataset="fashion_mnist",
    base=dict(depth=5, units=100, optimizer="sgd", learning_rate=0.01, batch_size=100, epochs=10),
    vary=dict(
        activation=Choice("sigmoid", "relu"),
        initializer=Choice("normal_1", "normal_0.1", "normal_0.01", "glorot_normal", "he_normal"),
    ),
    design=Grid(replicates=3),
    diagnostics=True,
)
