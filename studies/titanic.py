"""What is the best network for the passengers of the Titanic, over all factors at once?

With 569 training rows a network overfits in no time, and 143 validation rows make every score noisy. A
search over optimizer, learning rate, size and regularization, with trials below the median ended early.
"""

from hpstudy import Choice, Float, Int, Search, Study

study = Study(
    name="titanic",
    dataset="titanic",
    base=dict(batch_size=32, epochs=50),
    vary=dict(
        optimizer=Choice("sgd", "rmsprop", "adam"),
        learning_rate=Float(1e-4, 1e-1, log=True),
        momentum=Float(0.0, 0.95, when={"optimizer": "sgd"}),
        initializer=Choice("glorot_uniform", "he_normal", "normal_0.1"),
        activation=Choice("sigmoid", "tanh", "relu", "silu"),
        depth=Int(1, 3),
        units=Choice(8, 16, 32, 64),
        dropout=Float(0.0, 0.6),
        l2=Float(1e-6, 1e-1, log=True),
        scaling=Choice("standard", "minmax"),
    ),
    design=Search(trials=60, sampler="tpe", pruner="median"),
)
