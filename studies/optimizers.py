"""Which optimizer trains a one-hidden-layer network best on Fashion-MNIST, and at which learning rate?

Plain gradient descent follows the slope; momentum and Nesterov remember where they were going; AdaGrad,
RMSProp and Adam scale each weight's step by the size of its past gradients. Their best learning rates differ,
so each optimizer is given three.
"""

from hpstudy import Adaptive, Choice, Grid, Study

study = Study(
    name="optimizers",
    dataset="fashion_mnist",
    base=dict(depth=1, units=100, activation="relu", batch_size=32, epochs=10),
    vary=dict(
        optimizer=Choice("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"),
        learning_rate=Choice(0.001, 0.01, 0.1),
    ),
    design=Grid(replicates=Adaptive(3, 8)),
)
