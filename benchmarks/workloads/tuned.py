"""Five optimizers on the Titanic, each tuned by twelve trials for each of five replicates: 325 trials."""

from hpstudy import Choice, Compare, Float, Study

study = Study(
    name="tuned",
    dataset="titanic",
    base=dict(depth=1, units=16, batch_size=32, epochs=50),
    vary=dict(optimizer=Choice("sgd", "momentum", "adagrad", "rmsprop", "adam")),
    tune=dict(learning_rate=Float(1e-4, 1.0, log=True), l2=Float(1e-6, 1e-1, log=True)),
    design=Compare(trials=12, replicates=5),
)
