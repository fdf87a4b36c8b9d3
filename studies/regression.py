"""Does a robust loss predict the progression of diabetes better than squared error, and does a hidden layer help?

282 patients with ten measurements train a network; ridge regression is hard to beat with so few. Squared error
follows patients far from the rest most, absolute error least, and the Huber loss lies between. Scores are in the
unit of the target, a measure of progression after one year, whose standard deviation is 77.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="regression",
    dataset="diabetes",
    base=dict(units=32, dropout=0.2, batch_size=32, epochs=60, learning_rate=0.003),
    vary=dict(
        loss=Choice("mse", "huber", "mae"),
        depth=Choice(1, 2, 3),
    ),
    design=Grid(replicates=5),
)
