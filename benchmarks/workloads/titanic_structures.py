"""The same with networks and optimizers that differ, each of which has to be compiled."""

from hpstudy import Choice, Float, Int, Search, Study

study = Study(
    name="titanic_structures",
    dataset="titanic",
    base=dict(batch_size=32, epochs=50, scaling="standard"),
    vary=dict(
        depth=Int(1, 3),
        units=Choice(8, 16, 32, 64),
        activation=Choice("sigmoid", "tanh", "relu", "silu"),
        optimizer=Choice("sgd", "rmsprop", "adam"),
        learning_rate=Float(1e-4, 1e-1, log=True),
        dropout=Float(0.05, 0.5),
        l2=Float(1e-6, 1e-2, log=True),
    ),
    design=Search(finalists=0, trials=100, sampler="random"),
)
