"""One trial of one epoch, to see how long a run takes to begin."""

from hpstudy import Choice, Grid, Study

study = Study(
    name="short",
    dataset="digits",
    base=dict(depth=1, units=16, epochs=1),
    vary=dict(optimizer=Choice("adam")),
    design=Grid(),
)
