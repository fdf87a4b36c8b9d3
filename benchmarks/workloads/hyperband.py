"""The same space by Hyperband, which ends most trials early."""

from hpstudy import Choice, Float, Search, Study

study = Study(
    name="hyperband",
    dataset="fashion_mnist",
    base=dict(depth=1, batch_size=32),
    vary=dict(
        optimizer=Choice("momentum", "rmsprop", "adam"),
        learning_rate=Float(1e-4, 1e-1, log=True),
        units=Choice(50, 100, 200),
        activation=Choice("relu", "tanh"),
        dropout=Float(0.0, 0.5),
        l2=Float(1e-6, 1e-2, log=True),
    ),
    design=Search(finalists=0, trials=60, sampler="tpe", pruner="hyperband", seed=0),
)
