"""A table of one's own as the dataset of a study: the file, the column to predict, and how the others are taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from hpstudy.errors import UserError
from hpstudy.study.own import Own

_COLUMNS = ("drop", "numeric", "categorical", "text")  # the fields that name columns
_KEYS = ("group", "time")  # those that name the column by which rows are split


@dataclass(frozen=True)
class Table(Own):
    """A file of rows: `Table("churn.csv", target="Exited", drop=("RowNumber", "Surname"))`.

    It is CSV or TSV, also with .gz, Parquet, Feather, JSON lines (.jsonl) or Excel (.xlsx).

    Raises:
        UserError: a field is wrong; the message says what is legal.
    """

    key: ClassVar[str] = "table"

    file: str  # relative to the study file, or below HPSTUDY_DATA_DIR
    target: str  # the column of the labels
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

    def __post_init__(self) -> None:
        self._check_texts("file", "target")
        for name in _COLUMNS:
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        for name, low in (("max_categories", 2), ("max_words", 1)):
            if type(most := getattr(self, name)) is not int or most < low:
                raise UserError(f"{self._call(name)} must be a whole number of at least {low}; it is {most!r}.")
        self._check_test()
        self._check_keys(*_KEYS)
        used = list(self.named_columns)
        if twice := [column for column in dict.fromkeys(used) if used.count(column) > 1]:
            raise UserError(
                f"Table(…) names the column {twice[0]!r} twice. A column is the target, or in one of "
                f"{', '.join((*_COLUMNS, *_KEYS))}."
            )

    @property
    def named_columns(self) -> tuple[str, ...]:
        """Every column that the declaration names, the target first."""
        keys = [name for name in (self.group, self.time) if name]
        return (self.target, *(column for name in _COLUMNS for column in getattr(self, name)), *keys)


def _names(field: str, names: object) -> tuple[str, ...]:
    if isinstance(names, str):
        names = (names,)
    found = tuple(names) if isinstance(names, Iterable) else ()
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in found):
        raise UserError(f'Table({field}=…) must name columns, such as ("age", "sex"); it is {names!r}.')
    return found
