"""What a study file needs to know of datasets and of their kinds. No array is loaded here.

How the rows of a kind are read, encoded and served is the matter of the module of that name in `hpstudy.data.kinds`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hpstudy.study.arrays import Arrays, Images, Texts
from hpstudy.study.legal import Factor, integer, one_of
from hpstudy.study.own import Content, Own
from hpstudy.study.task import Target, Task

KindName: TypeAlias = Literal["image", "words", "table", "numbers", "gate", "columns", "pictures", "vectors", "texts"]
Scaling: TypeAlias = Literal["none", "unit", "standard", "minmax"]
# "official": the files of a dataset say which rows are for the test. "drawn": a stratified share, the same for
# every study. "all": every row is for training, validation and test alike.
TestSplit: TypeAlias = Literal["official", "drawn", "all"]


@dataclass(frozen=True, kw_only=True)
class KindInfo:
    """What a study can say of the datasets of one kind."""

    name: KindName  # also that of its module in `hpstudy.data.kinds`
    factors: tuple[Factor, ...] = ()  # in addition to those that every dataset has
    scales: bool = True  # whether scaling makes a difference: it does not where inputs are 0 or 1
    augments: bool = False  # whether a row is an image, which can be shifted and mirrored
    packages: tuple[str, ...] = ()  # that encoding served rows takes, besides NumPy and pandas


@dataclass(frozen=True, kw_only=True)
class Files:
    """What the files of a dataset are called, in a data folder or in folders of its own below that."""

    advice: str  # what to put where if there are none; DIR is the data folder
    names: tuple[str, ...]  # files that hold the whole dataset and whose names identify it anywhere
    folders: tuple[str, ...]  # folders of the dataset, as Debian, Keras, torchvision and people name them
    names_in_folders: tuple[str, ...] = ()  # more such files, whose names identify it only inside those folders
    parts: tuple[str, ...] = ()  # files in those folders that only together hold it, each plain or as .gz
    is_in_keras_cache: bool = False


TEST_SHARE = 0.2  # of all rows, where no official split says which are for the test


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """What can be said of a dataset without opening it."""

    name: str
    title: str  # for tables and descriptions
    kind: KindInfo
    rows: int  # labelled rows outside the test split; for Titanic, of the largest source
    classes: tuple[str, ...] = ()  # label texts in the order of the label numbers; none in a regression
    targets: tuple[Target, ...] = ()  # of a regression
    input_shape: tuple[int, ...]  # shape of one row; () where a factor or the source decides it
    scaling: Scaling  # the default level of the factor `scaling`
    largest: float = 1  # largest value of an input, if its kind has a bound; scaling "unit" divides by it
    test: TestSplit
    files: Files | None = None  # None: the dataset is built in
    test_share: float = TEST_SHARE  # of all rows, if the test split is drawn
    own: Own | None = None  # the declaration of a user's own
    default_metric: str = ""  # the objective of a study that declares none; "": the task's
    packaged: tuple[str, str] | None = None  # for a built-in one: the Python package that brings it, and its file there

    @property
    def is_split_once(self) -> bool:
        """Whether all replicates have the same training and validation rows."""
        return self.test == "all" or (self.own is not None and self.own.splits_by_time)

    @property
    def task(self) -> Task:
        return "regression" if self.targets else "classification"

    @property
    def outputs(self) -> int:
        """Units of the output layer: one for each number, one for two classes, else one per class."""
        return len(self.targets) or (1 if len(self.classes) == 2 else len(self.classes))


TRUTH_TABLES = {"and": (0, 0, 0, 1), "or": (0, 1, 1, 1), "nand": (1, 1, 1, 0), "xor": (0, 1, 1, 0)}

IMAGE = KindInfo(name="image", augments=True)
_NUM_WORDS = Factor(
    name="num_words", meaning="the most frequent words that are kept", default=10_000, check=integer(10)
)
WORDS = KindInfo(name="words", factors=(_NUM_WORDS,), scales=False)
TABLE = KindInfo(name="table")
NUMBERS = KindInfo(name="numbers")
GATE = KindInfo(
    name="gate",
    factors=(
        Factor(
            name="gate",
            meaning="the truth table to learn",
            default="xor",
            check=one_of(*TRUTH_TABLES),
            compiled="nothing",
        ),
    ),
    scales=False,
)
COLUMNS = KindInfo(name="columns")
PICTURES = KindInfo(name="pictures", augments=True, packages=("pillow",))
VECTORS = KindInfo(name="vectors")
TEXTS = KindInfo(name="texts", factors=(_NUM_WORDS,), scales=False)
KINDS = (IMAGE, WORDS, TABLE, NUMBERS, GATE, COLUMNS, PICTURES, VECTORS, TEXTS)

_IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_PACKED_IDX_FILES = ", ".join(f"{name}.gz" for name in _IDX_FILES)
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

DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo(
            name="fashion_mnist",
            title="Fashion-MNIST",
            kind=IMAGE,
            rows=60_000,
            classes=_FASHION_CLASSES,
            input_shape=(28, 28),
            scaling="unit",
            largest=255,
            test="official",
            files=Files(
                advice=f"the four files {_PACKED_IDX_FILES} into DIR/fashion-mnist/ "
                "(or Keras's form as DIR/fashion_mnist.npz)",
                names=("fashion_mnist.npz", "fashion-mnist.npz"),
                folders=("fashion-mnist", "fashion_mnist", "FashionMNIST/raw"),
                parts=_IDX_FILES,
                is_in_keras_cache=True,
            ),
        ),
        DatasetInfo(
            name="mnist",
            title="MNIST",
            kind=IMAGE,
            rows=60_000,
            classes=_DIGITS,
            input_shape=(28, 28),
            scaling="unit",
            largest=255,
            test="official",
            files=Files(
                advice=f"Keras's mnist.npz into DIR/ (or {_PACKED_IDX_FILES} into DIR/mnist/)",
                names=("mnist.npz",),
                folders=("mnist", "MNIST/raw"),
                parts=_IDX_FILES,
                is_in_keras_cache=True,
            ),
        ),
        DatasetInfo(
            name="digits",
            title="scikit-learn digits",
            kind=IMAGE,
            rows=1_437,
            classes=_DIGITS,
            input_shape=(8, 8),
            scaling="unit",
            largest=16,
            test="drawn",
            packaged=("sklearn", "datasets/data/digits.csv.gz"),
        ),
        DatasetInfo(
            name="imdb",
            title="IMDB reviews",
            kind=WORDS,
            rows=25_000,
            classes=("negative", "positive"),
            input_shape=(),
            scaling="none",
            test="official",
            files=Files(
                advice="Keras's imdb.npz into DIR/", names=("imdb.npz",), folders=("imdb",), is_in_keras_cache=True
            ),
        ),
        DatasetInfo(
            name="titanic",
            title="Titanic passengers",
            kind=TABLE,
            rows=1_050,
            classes=("died", "survived"),
            input_shape=(),
            scaling="standard",
            test="drawn",
            files=Files(
                advice="Kaggle's train.csv as DIR/titanic.csv (or OpenML's titanic.arff, or its .csv, into "
                "DIR/titanic/)",
                names=("titanic.csv", "titanic.arff", "Titanic.arff", "titanic_all.csv"),
                folders=("titanic",),
                names_in_folders=("train.csv",),
            ),
        ),
        DatasetInfo(
            name="breast_cancer",
            title="Breast cancer (Wisconsin)",
            kind=NUMBERS,
            rows=455,
            classes=("malignant", "benign"),
            input_shape=(),
            scaling="standard",
            test="drawn",
            packaged=("sklearn", "datasets/data/breast_cancer.csv"),
        ),
        DatasetInfo(
            name="wine",
            title="Wine cultivars",
            kind=NUMBERS,
            rows=142,
            classes=("class_0", "class_1", "class_2"),
            input_shape=(),
            scaling="standard",
            test="drawn",
            packaged=("sklearn", "datasets/data/wine_data.csv"),
        ),
        DatasetInfo(
            name="iris",
            title="Iris flowers",
            kind=NUMBERS,
            rows=120,
            classes=("setosa", "versicolor", "virginica"),
            input_shape=(),
            scaling="standard",
            test="drawn",
            packaged=("sklearn", "datasets/data/iris.csv"),
        ),
        DatasetInfo(
            name="diabetes",
            title="Diabetes progression",
            kind=NUMBERS,
            rows=353,
            targets=(Target(name="progression", deviation=77.0, absolute=65.8),),
            input_shape=(),
            scaling="standard",
            test="drawn",
            packaged=("sklearn", "datasets/data/diabetes_data_raw.csv.gz"),
        ),
        DatasetInfo(
            name="logic_gates",
            title="Logic gates",
            kind=GATE,
            rows=4,
            classes=("false", "true"),
            input_shape=(2,),
            scaling="none",
            test="all",
        ),
    )
}


def info_of(own: Own) -> DatasetInfo:
    """What can be said of a user's own dataset: of one whose files were not read yet, neither rows nor classes."""
    content = own.content or Content(digest="", classes=(), rows=0)
    kind = _kind_of(own)
    return DatasetInfo(
        name=own.name,
        title=own.path,
        kind=kind,
        rows=content.rows,
        classes=content.classes,
        targets=content.targets or _unread_targets(own),
        default_metric=content.metric,
        input_shape=content.shape,
        scaling="unit" if kind is PICTURES else "standard" if kind.scales else "none",
        largest=content.largest or 1,
        test="official" if content.has_test or isinstance(own.test_part, str) else "drawn",
        test_share=own.test_part if isinstance(own.test_part, float) else TEST_SHARE,
        own=own,
    )


def _kind_of(own: Own) -> KindInfo:
    """Arrays that were not read yet count as images, so that nothing is refused that may be legal."""
    if isinstance(own, Images) or (isinstance(own, Arrays) and (own.content is None or own.content.largest)):
        return PICTURES
    return VECTORS if isinstance(own, Arrays) else TEXTS if isinstance(own, Texts) else COLUMNS


def _unread_targets(own: Own) -> tuple[Target, ...]:
    """The numbers that a regression will predict, of which only the names are known yet."""
    if not own.predicts_numbers:
        return ()
    return tuple(Target(name=name, deviation=math.nan, absolute=math.nan) for name in own.targets)
