"""A table of one's own as the dataset of a study: the file, the column to predict, and how the others are taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, get_args

from hpstudy.errors import UserError
from hpstudy.study.task import Target, Task

_COLUMNS = ("drop", "numeric", "categorical")  # the fields that name columns
_KEYS = ("group", "time")  # those that name the column by which rows are split


@dataclass(frozen=True, kw_only=True)
class Content:
    """What was found in the file when the study was first run. It is recorded with the study."""

    digest: str  # SHA-256 of the file, in hexadecimal
    classes: tuple[str, ...]  # the labels, in the order of the class numbers; none in a regression
    rows: int  # labelled rows outside the test split
    test_digest: str = ""  # of the test split's file, if it has one of its own
    targets: tuple[Target, ...] = ()  # of a regression
    metric: str = ""  # the objective where the study declares none; "": the usual one of the task

    def to_json(self) -> dict[str, Any]:
        """JSON values, without fields that are empty, except for `classes`."""
        values = dataclasses.asdict(self)
        told = {name: value for name, value in values.items() if value not in ("", ())}
        told |= {name: list(value) for name, value in told.items() if isinstance(value, tuple)}
        return {**told, "classes": list(self.classes)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Content:
        targets = tuple(Target(**target) for target in values.get("targets", ()))
        return cls(**{**values, "classes": tuple(values["classes"]), "targets": targets})


@dataclass(frozen=True)
class Table:
    """A file of rows: `Table("churn.csv", target="Exited", drop=("RowNumber", "Surname"))`.

    It is CSV or TSV, also with .gz, Parquet, Feather, JSON lines (.jsonl) or Excel (.xlsx). In a regression, the target
    is a column of numbers, or several: `Table("houses.csv", target=("price", "rent"), task="regression")`.

    Raises:
        UserError: a field is wrong; the message says what is legal.
    """

    file: str  # relative to the study file, or below HPSTUDY_DATA_DIR
    target: str | tuple[str, ...]  # the column of the labels; in a regression that of the numbers, or several
    drop: tuple[str, ...] = ()  # columns that are left out
    numeric: tuple[str, ...] = ()  # columns of numbers, whatever they look like
    categorical: tuple[str, ...] = ()  # columns of categories, whatever they look like
    max_categories: int = 30  # inputs that a column of categories becomes at most; the last is for all other levels
    drop_missing_target: bool = False  # whether rows without a label are left out; else they are refused
    test: str | float | None = None  # the test split's file, or its share of the rows; None: a fifth
    group: str | None = None  # column whose rows of one value stay together, in one part; it is no input
    time: str | None = None  # column of which the latest rows are for the test, then for validation; it is no input
    task: Task = "classification"  # whether the target is a class, or in a "regression" a number
    weight: str | None = None  # column of how much a row counts in training, numbers of at least 0; it is no input
    content: Content | None = None  # filled in when the file is first read
    folder: Path | None = dataclasses.field(default=None, compare=False, repr=False)  # of the study file

    def __post_init__(self) -> None:
        object.__setattr__(self, "file", str(self.file))
        for name in _COLUMNS:
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        if not self.file.strip():
            raise UserError("Table(file=…) must be a text that is not empty.")
        self._check_target()
        if type(self.max_categories) is not int or self.max_categories < 2:
            raise UserError(
                f"Table(max_categories=…) must be a whole number of at least 2; it is {self.max_categories!r}."
            )
        self._check_split()
        used = list(self.named_columns)
        if twice := [column for column in dict.fromkeys(used) if used.count(column) > 1]:
            raise UserError(
                f"Table(…) names the column {twice[0]!r} twice. A column is the target, or in one of "
                f"{', '.join((*_COLUMNS, *_KEYS, 'weight'))}."
            )

    def _check_target(self) -> None:
        if isinstance(self.target, list):
            object.__setattr__(self, "target", tuple(self.target))
        if not self.targets or not all(isinstance(name, str) and name.strip() for name in self.targets):
            raise UserError(f"Table(target=…) must name a column; it is {self.target!r}.")
        if self.task not in get_args(Task):
            raise UserError(f"Table(task=…) must be {' or '.join(map(repr, get_args(Task)))}; it is {self.task!r}.")
        if self.task == "classification" and not isinstance(self.target, str):
            raise UserError(
                f"Table(target=…) must name one column; it is {self.target!r}. Several are predicted together "
                'only as numbers: task="regression".'
            )

    def _check_split(self) -> None:
        if isinstance(self.test, PurePath):
            object.__setattr__(self, "test", str(self.test))
        is_share = isinstance(self.test, float) and 0 < self.test < 1
        if not (self.test is None or is_share or (isinstance(self.test, str) and self.test.strip())):
            raise UserError(f"Table(test=…) must be a file, or a share such as 0.2; it is {self.test!r}.")
        for name in (*_KEYS, "weight"):
            if not isinstance(value := getattr(self, name), str | None) or value == "":
                raise UserError(f"Table({name}=…) must name a column; it is {value!r}.")
        if self.group and self.time:
            raise UserError("Table(…) has group= and time=, but rows are split by one of them. Leave one out.")

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict."""
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    @property
    def told_columns(self) -> tuple[str, ...]:
        """The columns that are no inputs: the targets first, then those of splits and weights."""
        return (*self.targets, *(name for name in (self.group, self.time, self.weight) if name))

    @property
    def named_columns(self) -> tuple[str, ...]:
        """Every column that the declaration names, the targets first."""
        first = len(self.targets)
        others = (column for name in _COLUMNS for column in getattr(self, name))
        return (*self.told_columns[:first], *others, *self.told_columns[first:])

    @property
    def files(self) -> tuple[str, ...]:
        """The file, and that of the test split if there is one."""
        return (self.file, self.test) if isinstance(self.test, str) else (self.file,)

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        return Path(self.file).name.partition(".")[0] or "table"

    def to_json(self) -> dict[str, Any]:
        """JSON values, without fields that have their defaults and without what is only true of this machine."""
        fields = {field.name: field.default for field in dataclasses.fields(self)}
        told = {name: getattr(self, name) for name in fields if name not in ("folder", "content")}
        values = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in told.items()
            if value != fields[name]
        }
        if self.content:
            values["content"] = self.content.to_json()
        return {"table": values}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Table:
        """The declaration that `to_json` made these values of."""
        told = dict(values["table"])
        if content := told.pop("content", None):
            told["content"] = Content.from_json(content)
        return cls(**told)


def _names(field: str, names: object) -> tuple[str, ...]:
    if isinstance(names, str):
        names = (names,)
    found = tuple(names) if isinstance(names, Iterable) else ()
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in found):
        raise UserError(f'Table({field}=…) must name columns, such as ("age", "sex"); it is {names!r}.')
    return found
