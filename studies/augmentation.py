"""Does showing shifted and mirrored copies of the images help a network without convolutions?

Every epoch sees each image moved by up to two pixels, mirrored at random, or both. That makes few images go
further, but a dense network has to learn every position anew: it may need more epochs than it has.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="augmentation",
    dataset="fashion_mnist",
    base=dict(depth=2, units=256, activation="relu", optimizer="adam", batch_size=100, epochs=15),
    vary=dict(
        augmentation=Choice("none", "shift", "flip", "both"),
        train_rows=Choice(5000, None),
    ),
    design=Grid(replicates=3),
)
