"""Arrays, images and texts of one's own as the dataset of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from hpstudy.errors import UserError
from hpstudy.study.own import Own, is_remote
from hpstudy.study.table import Table
from hpstudy.study.task import Task

Color: TypeAlias = Literal["rgb", "gray"]


@dataclass(frozen=True)
class Arrays(Own):
    """Arrays in a file: `Arrays("cifar10.npz")`.

    A .npz file holds x_train, y_train, x_test and y_test, as Keras has it, or x and y. Of a .npy file with the rows,
    `labels` names the one with their labels. Rows are numbers of any shape, (rows, …); uint8 of two or three dimensions
    a row are images. Labels are whole numbers, truth values or texts, (rows,) or (rows, 1); in a regression numbers,
    (rows,) or (rows, targets).

    Raises:
        UserError: a field is wrong; the message says what is legal.
    """

    key: ClassVar[str] = "arrays"

    file: str  # relative to the study file, or below HPSTUDY_DATA_DIR
    labels: str | None = None  # the file of the labels, if `file` is a .npy file
    test: str | float | None = None  # the test split's file, or its share of the rows; None: x_test, else a fifth
    task: Task = "classification"  # whether labels are classes, or in a "regression" numbers

    def __post_init__(self) -> None:
        self._check_task()
        self._check_texts("file", *(["labels"] if self.labels is not None else []))
        self._check_test()
        is_single = self.file.lower().endswith(".npy")
        if is_single != (self.labels is not None):
            raise UserError(
                f"Arrays({self.file!r}) needs labels=, the .npy file of the labels."
                if is_single
                else "Arrays(labels=…) goes with a .npy file of rows; an .npz file has the labels itself. Leave it out."
            )
        if is_single and isinstance(self.test, str):
            raise UserError("Arrays(test=…) must be a share where rows are in a .npy file. Or save them all as .npz.")

    @property
    def files(self) -> tuple[str, ...]:
        return (self.file, self.labels) if self.labels else super().files


@dataclass(frozen=True)
class Images(Own):
    """Pictures in a folder with a folder for each class: `Images("flowers/", size=(32, 32), color="rgb")`.

    Or a table of paths, relative to it, and labels: `Images("labels.csv", image="path", target="flower", …)`. They are
    PNG, JPEG or WebP, and are resized to one size. Their order is that of the files' names.

    Raises:
        UserError: a field is wrong; the message says what is legal.
    """

    key: ClassVar[str] = "images"

    file: str  # the folder or the table, relative to the study file, or below HPSTUDY_DATA_DIR
    size: tuple[int, int]  # height and width, pixels
    color: Color = "rgb"
    image: str | None = None  # of a table, the column of the paths
    target: str | None = None  # of a table, the column of the labels
    test: str | float | None = None  # the test split's folder or table, or its share of the images; None: a fifth

    def __post_init__(self) -> None:
        if is_remote(str(self.file)):
            raise UserError("Images(…) are opened one by one, so they must be on this machine. Copy them first.")
        self._check_texts("file", *(name for name in ("image", "target") if getattr(self, name) is not None))
        self._check_test()
        size: Any = (self.size, self.size) if isinstance(self.size, int) else self.size
        if not (isinstance(size, tuple | list) and len(size) == 2 and all(type(n) is int and n > 0 for n in size)):
            raise UserError(f"Images(size=…) must be height and width such as (32, 32); it is {self.size!r}.")
        object.__setattr__(self, "size", tuple(size))
        if self.color not in get_args(Color):
            raise UserError(f"Images(color=…) must be one of {', '.join(get_args(Color))}; it is {self.color!r}.")
        if (self.image is None) != (self.target is None):
            raise UserError(
                "Images(image=…, target=…) go together: the table's columns of the paths and of the labels. Give both, "
                "or none for a folder."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row: height, width, and three colours if they are kept."""
        return (*self.size, 3) if self.color == "rgb" else self.size


@dataclass(frozen=True)
class Texts(Own):
    """A file of texts with their labels: `Texts("reviews.csv", text="review", target="stars")`.

    Its formats are those of `Table`. A text becomes an input of 0 or 1 for each of the most frequent words of the
    training rows; the factor num_words says how many.

    Raises:
        UserError: a field is wrong; the message says what is legal.
    """

    key: ClassVar[str] = "texts"

    file: str  # relative to the study file, or below HPSTUDY_DATA_DIR
    text: str  # the column of the texts
    target: str  # the column of the labels
    drop_missing_target: bool = False  # whether rows without a label are left out; else they are refused
    test: str | float | None = None  # the test split's file, or its share of the rows; None: a fifth
    group: str | None = None  # column whose rows of one value stay together, in one part
    time: str | None = None  # column of which the latest rows are for the test, then for validation
    task: Task = "classification"  # whether labels are classes, or in a "regression" numbers

    def __post_init__(self) -> None:
        self._check_task()
        self._check_texts("file", "text", "target")
        self._check_test()
        self._check_keys("group", "time")
        self.table  # noqa: B018 - refuses a column that is named twice

    @property
    def table(self) -> Table:
        """The same file as a table, whose texts stay texts."""
        return Table(
            self.file,
            target=self.target,
            categorical=(self.text,),
            drop_missing_target=self.drop_missing_target,
            group=self.group,
            time=self.time,
            task=self.task,
        )


_CLASSES: dict[str, type[Own]] = {declared.key: declared for declared in (Table, Arrays, Images, Texts)}


def own_from_json(values: dict[str, Any]) -> Own:
    """The declaration of which `to_json` made these values."""
    (key, told), *_ = values.items()
    return _CLASSES[key].of_json(told)
