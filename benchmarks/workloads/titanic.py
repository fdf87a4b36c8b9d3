"""Which learning rate, dropout rate and L2 penalty suit a small table?"""

from hpstudy import Float, Search, Study

study = Study(
    name="titanic",
    dataset="titanic",
    base=dict(depth=2, units=32, activation="relu", optimizer="adam", batch_size=32, epochs=50, scaling="standard"),
    vary=dict(
        learning_rate=Float(1e-4, 1e-1, log=True),
        dropout=Float(0.05, 0.5),
        l2=Float(1e-6, 1e-2, log=True),
    ),
    design=Search(finalists=0, trials=100, sampler="random"),
)
