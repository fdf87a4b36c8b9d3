"""How much does the scaling of the inputs matter for the passengers of the Titanic?

Fares go to 512, ages to 80, and the indicators are 0 or 1. Unscaled, the fare drowns the rest. Standardizing
(mean 0, deviation 1), min-max and dividing by the largest value are all fitted on training rows only.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="scaling",
    dataset="titanic",
    base=dict(depth=2, units=16, activation="relu", batch_size=32, epochs=30),
    vary=dict(
        scaling=Choice("none", "unit", "standard", "minmax"),
        optimizer=Choice("sgd", "adam"),
    ),
    design=Grid(replicates=5),
)
