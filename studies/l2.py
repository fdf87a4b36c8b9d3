"""Do weight decay and dropout keep a small network from overfitting film reviews?

Two layers of 16 units on the 1,000 most frequent words of IMDB: the training loss falls on while the
validation loss turns and rises. L2 pulls the weights towards zero, dropout hides units. Does either, or do
both together, flatten that rise?
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="l2",
    dataset="imdb",
    base=dict(num_words=1000, depth=2, units=16, activation="relu", optimizer="adam", batch_size=512, epochs=20),
    vary=dict(
        l2=Choice(0.0, 0.0001, 0.001, 0.01),
        dropout=Choice(0.0, 0.3, 0.5),
    ),
    design=Grid(replicates=3),
    shows=("rise", "gap"),
)
