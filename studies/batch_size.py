"""What does the batch size change: all rows at once, mini-batches, or one by one?

One step on all rows is exact and rare, steps on single rows are noisy and many. On 2,000 rows and the same
number of epochs, two learning rates each, mini-batches should reach the best accuracy for their time.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="batch_size",
    dataset="fashion_mnist",
    base=dict(train_rows=2000, depth=1, units=100, activation="relu", optimizer="sgd", epochs=30),
    vary=dict(
        batch_size=Choice(1, 10, 32, 100, "full"),
        learning_rate=Choice(0.01, 0.1),
    ),
    design=Grid(replicates=3),
    shows=("train_s",),
)
