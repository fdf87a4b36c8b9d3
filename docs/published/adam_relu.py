"""Does Adam on 100 ReLU units reach the published 0.8892 on Fashion-MNIST's validation rows after 50 epochs?"""

from hpstudy import Grid, Study

study = Study(
    name="published-adam-relu",
    dataset="fashion_mnist",
    base=dict(depth=1, units=100, activation="relu", optimizer="adam", batch_size=32, epochs=50),
    design=Grid(replicates=3),
)
