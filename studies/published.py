"""Do networks that others have published score here what they scored there?

Every setting is taken from its source as far as that gives it, and trained under several seeds. Networks are trained
on four fifths of the rows outside the test split, as the course notes did; the tutorials and the book trained on all.
Each report prints the published figures beside ours.
"""

from hpstudy import Choice, Grid, Published, Study

NOTES = "course notes of 2022-11-29"
SLIDES = "course slides"
THREE = Grid(replicates=3)

adam_relu = Study(
    name="published-adam-relu",
    question="Does a hidden layer of 100 ReLU units under Adam reach the published scores on Fashion-MNIST?",
    dataset="fashion_mnist",
    base=dict(depth=1, units=100, activation="relu", optimizer="adam", batch_size=32, epochs=50),
    design=THREE,
    published=(
        Published(value=0.8892, metric="val_accuracy", source=NOTES),
        Published(value=0.9619, metric="accuracy", source=NOTES),
    ),
)
sgd_sigmoid = Study(
    name="published-sgd-sigmoid",
    question="How far does plain SGD train 100 sigmoid units on Fashion-MNIST in 100 epochs?",
    dataset="fashion_mnist",
    base=dict(depth=1, units=100, activation="sigmoid", optimizer="sgd", learning_rate=0.01, batch_size=32, epochs=100),
    objective="accuracy",
    design=THREE,
    published=(Published(value=0.8842, metric="accuracy", source=NOTES),),
)
four_layers = Study(
    name="published-four-layers",
    question="How do four layers of 512 ReLU units score on Fashion-MNIST, without and with dropout 0.3?",
    dataset="fashion_mnist",
    base=dict(
        depth=4,
        units=512,
        activation="relu",
        initializer="glorot_normal",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=100,
        epochs=50,
    ),
    vary=dict(dropout=Choice(0.0, 0.3)),
    design=THREE,
    published=(
        Published(dropout=0.0, value=0.8916, metric="val_accuracy", source=NOTES),
        Published(dropout=0.0, value=0.9741, metric="accuracy", source=NOTES),
        Published(dropout=0.3, value=0.8963, metric="val_accuracy", source=NOTES),
        Published(dropout=0.3, value=0.9167, metric="accuracy", source=NOTES),
    ),
)
tutorial = Study(
    name="published-tutorial",
    question="Does the network of TensorFlow's first tutorial score on Fashion-MNIST's test split what the slides say?",
    dataset="fashion_mnist",
    base=dict(depth=1, units=128, activation="relu", optimizer="adam", batch_size=32, epochs=10),
    design=Grid(replicates=5),
    published=(
        Published(
            value=0.8701,
            metric="test_accuracy",
            source=SLIDES,
            note="epochs not given: 10, as in TensorFlow's tutorial; trained on all 60,000 rows",
        ),
    ),
)
mlp = Study(
    name="published-mlp",
    question="Does the MLP of 256, 128 and 100 units score what the README of Fashion-MNIST lists for it?",
    dataset="fashion_mnist",
    base=dict(
        units="256-128-100",
        activation="tanh",
        initializer="he_normal",
        dropout=0.4,
        optimizer="nesterov",
        learning_rate=0.01,
        momentum=0.975,
        batch_size=100,
        epochs=100,
    ),
    design=THREE,
    published=(
        Published(
            value=0.8833,
            metric="test_accuracy",
            source="README of Fashion-MNIST",
            note="the best of 30 trainings; settings from its repository heitorrapela/fashion-mnist-mlp, which also "
            "lets the learning rate fall by a tenth and ends in sigmoids",
        ),
    ),
)
mnist = Study(
    name="published-mnist",
    question="Does TensorFlow's quickstart network score on MNIST's test split what the slides say?",
    dataset="mnist",
    base=dict(depth=1, units=512, activation="relu", dropout=0.2, optimizer="adam", batch_size=32, epochs=5),
    design=Grid(replicates=5),
    published=(Published(value=0.9795, metric="test_accuracy", source=SLIDES, note="trained on all 60,000 rows"),),
)
imdb_small = Study(
    name="published-imdb-1000",
    question="Does a small network overfit reviews of 1,000 words, and does L2 lessen that?",
    dataset="imdb",
    base=dict(num_words=1_000, depth=2, units=16, activation="relu", optimizer="adam", batch_size=512, epochs=20),
    vary=dict(l2=Choice(0.0, 0.001)),
    objective="val_loss",  # no figure is published: validation loss rises while training loss falls, less so with L2
    design=Grid(replicates=5),
)
imdb = Study(
    name="published-imdb",
    question="Does the book's network of two layers of 16 units score what it scored there on IMDB's test split?",
    dataset="imdb",
    base=dict(num_words=10_000, depth=2, units=16, activation="relu", optimizer="rmsprop", batch_size=512, epochs=4),
    design=Grid(replicates=5),
    published=(
        Published(
            value=0.885,
            metric="test_accuracy",
            source="Chollet's book",
            note="trained on all 25,000 rows, for 4 epochs",
        ),
    ),
)
titanic = Study(
    name="published-titanic",
    question="Does a small network tell who survived the Titanic as often as the slides say?",
    dataset="titanic",
    base=dict(depth=1, units=16, activation="relu", optimizer="adam", batch_size=32, epochs=50),
    design=Grid(replicates=10),
    published=(
        Published(
            value=0.78,
            metric="test_accuracy",
            source=SLIDES,
            note="“about 78 %”; network not given: 16 ReLU units, Adam, 50 epochs",
        ),
    ),
)

studies = (titanic, imdb, imdb_small, tutorial, mnist, adam_relu, sgd_sigmoid, mlp, four_layers)  # by their cost
