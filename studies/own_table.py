"""Which hidden layer and which optimizer tell three wines apart by their chemistry?

The table `wine.csv` lies beside this file: 178 wines of one region, thirteen measurements of each, and the cultivar
that it was made of (UCI; it comes with scikit-learn). Put your own file there, and name its column to predict.
"""

from hpstudy import Choice, Grid, Study, Table

study = Study(
    name="own_table",
    dataset=Table("wine.csv", target="cultivar"),
    base=dict(learning_rate=0.01, batch_size=16, epochs=30),
    vary=dict(
        optimizer=Choice("momentum", "adam"),
        units=Choice(8, 32),
    ),
    design=Grid(replicates=5),
)
