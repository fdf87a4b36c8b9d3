"""A table of one's own as the dataset of a study: the file, the column to predict, and how the others are taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from hpstudy.errors import UserError
from hpstudy.study.own import Own
from hpstudy.study.task import Task

_COLUMNS = ("drop", "numeric", "categorical", "text")  # the fields that name columns
_KEYS = ("group", "time")  # those that name the column by which rows are split


@dataclass(frozen=True)
class Table(Own):
    """A file of rows: `Table("churn.csv", target="Exited", drop=("RowNumber", "Surname"))`.

    It is CSV or TSV, also with .gz, Parquet, Feather, JSON lines (.jsonl) or Excel (.xlsx). In a regression, the target
    is a column of numbers, or several: `Table("houses.csv", target=("price", "rent"), task="regression")`.

    Raises:
        UserError: a field is wrong; the message says what is legal.
    """

    key: ClassVar[str] = "table"

    file: str  # relative to the study file, or below HPSTUDY_DATA_DIR
    target: str | tuple[str, ...]  # the column of the labels; in a regression that of the numbers, or several
    drop: tuple[str, ...] = ()  # columns that are left out
    numeric: tuple[str, ...] = ()  # columns of numbers, whatever they look like
    categorical: tuple[str, ...] = ()  # columns of categories, whatever they look like
    text: tuple[str, ...] = ()  # columns of texts, whatever they look like
    max_categories: int = 30  # inputs that a column of categories becomes at most; the last is for all other levels
    max_words: int = 100  # of a column of texts that become inputs at most
    drop_missing_target: bool = False  # whether rows without a label are left out; else they are refused
    test: str | float | None = None  # the test split's file, or its share of the rows; None: a fifth
    group: str | None = None  # column whose rows of one value stay together, in one part; it is no input
    time: str | None = None  # column of which the latest rows are for the test, then for validation; it is no input
    task: Task = "classification"  # whether the target is a class, or in a "regression" a number
    weight: str | None = None  # column of how much a row counts in training, numbers of at least 0; it is no input

    def __post_init__(self) -> None:
        self._check_texts("file", *(["weight"] if self.weight is not None else []))
        for name in _COLUMNS:
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        self._check_target()
        for name, low in (("max_categories", 2), ("max_words", 1)):
            if type(most := getattr(self, name)) is not int or most < low:
                raise UserError(f"{self._call(name)} must be a whole number of at least {low}; it is {most!r}.")
        self._check_test()
        self._check_keys(*_KEYS)
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
        self._check_task()
        if self.task == "classification" and not isinstance(self.target, str):
            raise UserError(
                f"Table(target=…) must name one column; it is {self.target!r}. Several are predicted together "
                'only as numbers: task="regression".'
            )

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


def _names(field: str, names: object) -> tuple[str, ...]:
    if isinstance(names, str):
        names = (names,)
    found = tuple(names) if isinstance(names, Iterable) else ()
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in found):
        raise UserError(f'Table({field}=…) must name columns, such as ("age", "sex"); it is {names!r}.')
    return found
