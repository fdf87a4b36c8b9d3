"""The datasets by name, as far as a study file needs to know them. No array is loaded here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """What can be said of a dataset without opening it."""

    name: str
    title: str  # for tables and MLflow
    kind: str  # "image", "words", "table" or "gate": decides which factors make sense
    rows: int  # labelled rows outside the test split; with Titanic that of the largest source
    classes: tuple[str, ...]  # label texts in the order of the label numbers
    input_shape: tuple[int, ...]  # of one row; () where a factor or the source decides
    scaling: str  # the default level of the factor `scaling`

    @property
    def outputs(self) -> int:
        """Units of the output layer: one for two classes, else one a class."""
        return 1 if len(self.classes) == 2 else len(self.classes)


_FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_DIGITS = tuple(str(digit) for digit in range(10))

DATASETS: dict[str, DatasetFacts] = {
    facts.name: facts
    for facts in (
        DatasetFacts(
            name="fashion_mnist",
            title="Fashion-MNIST",
            kind="image",
            rows=60_000,
            classes=_FASHION_CLASSES,
            input_shape=(28, 28),
            scaling="unit",
        ),
        DatasetFacts(
            name="mnist",
            title="MNIST",
            kind="image",
            rows=60_000,
            classes=_DIGITS,
            input_shape=(28, 28),
            scaling="unit",
        ),
        DatasetFacts(
            name="digits",
            title="scikit-learn digits",
            kind="image",
            rows=1_437,
            classes=_DIGITS,
            input_shape=(8, 8),
            scaling="unit",
        ),
        DatasetFacts(
            name="imdb",
            title="IMDB reviews",
            kind="words",
            rows=25_000,
            classes=("negative", "positive"),
            input_shape=(),
            scaling="none",
        ),
        DatasetFacts(
            name="titanic",
            title="Titanic passengers",
            kind="table",
            rows=1_050,
            classes=("died", "survived"),
            input_shape=(),
            scaling="standard",
        ),
        DatasetFacts(
            name="logic_gates",
            title="Logic gates",
            kind="gate",
            rows=4,
            classes=("false", "true"),
            input_shape=(2,),
            scaling="none",
        ),
    )
}
