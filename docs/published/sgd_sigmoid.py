"""Does SGD at 0.01 on 100 sigmoid units reach the published training accuracy 0.8842 after 100 epochs?"""

from hpstudy import Grid, Study

study = Study(
    name="published-sgd-sigmoid",
    dataset="fashion_mnist",
    base=dict(depth=1, units=100, activation="sigmoid", optimizer="sgd", learning_rate=0.01, batch_size=32, epochs=100),
    objective="accuracy",
    design=Grid(replicates=3),
)
