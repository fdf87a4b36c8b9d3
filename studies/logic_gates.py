"""Which logic gates can a single-layer perceptron learn, and what does a hidden layer change?

AND, OR and NAND can each be cut by one straight line through the four inputs, XOR cannot: without a hidden
layer no training helps, with one it is easy. The four rows are training and validation rows alike.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="logic_gates",
    dataset="logic_gates",
    base=dict(units=8, activation="tanh", optimizer="adam", learning_rate=0.1, batch_size="full", epochs=200),
    vary=dict(
        gate=Choice("and", "or", "nand", "xor"),
        depth=Choice(0, 1),
    ),
    given=("gate",),
    design=Grid(replicates=3),
)
