"""What is the best dense network for Fashion-MNIST when everything may vary at once?

Optimizer, learning rate, initializer, activation, dropout, L2 and depth together have more combinations than
anyone can train. TPE proposes where good trials were; Hyperband ends the others after a few epochs.
"""

from hpstudy import Choice, Float, Int, Search, Study

study = Study(
    name="search",
    dataset="fashion_mnist",
    base=dict(units=256, batch_size=100, epochs=18),
    vary=dict(
        optimizer=Choice("momentum", "rmsprop", "adam"),
        learning_rate=Float(1e-4, 1e-1, log=True),
        initializer=Choice("glorot_uniform", "he_normal", "orthogonal"),
        activation=Choice("sigmoid", "tanh", "relu", "gelu"),
        dropout=Float(0.0, 0.5),
        l2=Float(1e-7, 1e-2, log=True),
        depth=Int(1, 4),
    ),
    design=Search(trials=60, sampler="tpe", pruner="hyperband"),
)
