"""Which small network reads film reviews best, given the 10,000 most frequent words?

The published network of two layers of 16 units scores 0.885 on the test split. A search over size, learning
rate and regularization, with early stopping, as two epochs are often enough.
"""

from hpstudy import Choice, Float, Published, Search, Study

study = Study(
    name="imdb",
    dataset="imdb",
    base=dict(num_words=10_000, batch_size=512, epochs=8, early_stopping=2),
    vary=dict(
        optimizer=Choice("rmsprop", "adam"),
        learning_rate=Float(1e-4, 1e-2, log=True),
        depth=Choice(1, 2),
        units=Choice(16, 32, 64),
        dropout=Float(0.0, 0.6),
        l2=Float(1e-6, 1e-2, log=True),
    ),
    design=Search(trials=30, sampler="tpe"),
    published=(
        Published(
            value=0.885, metric="test_accuracy", source="Chollet's book", note="two layers of 16 units, all 25,000 rows"
        ),
    ),
)
