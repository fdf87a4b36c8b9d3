"""Which activation still learns when the network gets deeper?

The derivative of the sigmoid is at most 1/4, so that its gradient shrinks with every layer: it vanishes. ReLU
and its relatives pass it on. The same networks with one, three and eight hidden layers show how fast each one
falls behind.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="activations",
    dataset="fashion_mnist",
    base=dict(units=64, optimizer="sgd", learning_rate=0.05, batch_size=100, epochs=8),
    vary=dict(
        activation=Choice("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu"),
        depth=Choice(1, 3, 8),
    ),
    design=Grid(replicates=3),
    diagnostics=True,
    given=("depth",),
)
