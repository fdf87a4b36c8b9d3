"""Is cross-entropy with softmax really better than squared error with sigmoid for classification?

Where a sigmoid output is confidently wrong its derivative is nearly zero, and squared error learns nothing
there; the gradient of cross-entropy stays proportional to the error. Three learning rates give each loss its
chance.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="losses",
    dataset="fashion_mnist",
    base=dict(depth=1, units=100, activation="sigmoid", optimizer="sgd", batch_size=32, epochs=10),
    vary=dict(
        loss=Choice("cross_entropy", "mse"),
        learning_rate=Choice(0.01, 0.1, 1.0),
    ),
    design=Grid(replicates=3),
)
