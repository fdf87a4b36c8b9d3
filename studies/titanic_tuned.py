"""Do hidden layers help to tell who survived the Titanic, once each depth has its own best regularization?

Without a hidden layer the network is a logistic regression, which can hardly overfit 569 rows; with two it can learn
them by heart. A learning rate and a penalty that suit the one do not suit the other, so each depth gets the same twenty
trials to find its own, deeper ones their units and dropout, too. Every search is repeated under ten splits, because 143
validation rows make each score noisy.
"""

from hpstudy import Choice, Compare, Float, Study

study = Study(
    name="titanic_tuned",
    dataset="titanic",
    base=dict(optimizer="adam", batch_size=32, epochs=40),
    vary=dict(depth=Choice(0, 1, 2)),
    tune=dict(
        learning_rate=Float(1e-4, 1e-1, log=True),
        l2=Float(1e-6, 1e-1, log=True),
        units=Choice(8, 16, 32, 64, when={"depth": (1, 2)}),
        dropout=Float(0.0, 0.6, when={"depth": (1, 2)}),
    ),
    design=Compare(trials=20, replicates=10),
)
