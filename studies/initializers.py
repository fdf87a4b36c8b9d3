"""Which initial weights let a deep network learn at all, with sigmoid and with ReLU?

Weights of standard deviation 0.01 make all units alike, and hardly a gradient reaches the first layers. With 1, ReLU's
activations grow from layer to layer until the loss diverges, while sigmoids learn: only weights that large pass a
gradient through their flat slopes. Glorot (Xavier) keeps the variance of activations for tanh, He for ReLU. Five
hidden layers show what one would hide.
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
