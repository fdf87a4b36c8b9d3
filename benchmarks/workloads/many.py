"""Many short trials of several epochs, so that what surrounds the training shows."""

from hpstudy import Float, Search, Study

study = Study(
    name="many",
    dataset="digits",
    base=dict(depth=1, units=64, epochs=10),
    vary=dict(learning_rate=Float(1e-4, 1e-1, log=True), l2=Float(1e-6, 1e-2, log=True)),
    design=Search(finalists=0, trials=60, sampler="random"),
)
