"""Which optimizer trains a one-hidden-layer network best on Fashion-MNIST, each at its own best learning rate?

At a learning rate that suits Adam, gradient descent crawls, and at one that suits gradient descent, Adam diverges:
compared at the same few rates, an optimizer is judged by the rates that somebody chose. Here each optimizer gets the
same twelve trials to find its learning rate, momentum its coefficient, too, five times over. What each search found is
trained once more under a fresh seed, and that score is compared.
"""

from hpstudy import Choice, Compare, Float, Study

study = Study(
    name="optimizers_tuned",
    dataset="fashion_mnist",
    base=dict(depth=1, units=100, activation="relu", batch_size=64, epochs=10),
    vary=dict(optimizer=Choice("sgd", "momentum", "adagrad", "rmsprop", "adam")),
    tune=dict(
        learning_rate=Float(1e-4, 1.0, log=True),
        momentum=Float(0.5, 0.99, when={"optimizer": "momentum"}),
    ),
    design=Compare(trials=12, replicates=5),
)
