"""A dataset of one's own in a study: what all declarations have in common, and what was found in their files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, ClassVar, Self, get_args

from hpstudy.errors import UserError
from hpstudy.study.task import Target, Task


@dataclass(frozen=True, kw_only=True)
class Content:
    """What was found in the files when the study was first run. It is recorded with the study."""

    digest: str  # SHA-256 of the file or of what `load` returned, in hexadecimal
    classes: tuple[str, ...]  # the labels, in the order of the class numbers; none in a regression
    rows: int  # labelled rows outside the test split
    test_digest: str = ""  # of the second file, if there is one: of the test split, or of labels
    targets: tuple[Target, ...] = ()  # of a regression
    metric: str = ""  # the objective where the study declares none; "": the usual one of the task
    shape: tuple[int, ...] = ()  # of one row of arrays: (28, 28), (32, 32, 3), (30,)
    largest: int = 0  # largest value of a pixel; 0: rows are no images
    has_test: bool = False  # whether the one file also holds the test split

    def to_json(self) -> dict[str, Any]:
        """JSON values, without fields that have their defaults."""
        told = dataclasses.asdict(self)
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in told.items()
            if value != defaults[name]
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Content:
        """The content that `to_json` made these values of."""
        targets = tuple(Target(**target) for target in values.get("targets", ()))
        return cls(**{**_tuples(values), "targets": targets})


@dataclass(frozen=True, kw_only=True)
class Loader:
    """The function `load` of a study file."""

    call: Callable[[], Any]
    code: str  # digest of the code of its file; "" if it is not known, and so `load` is called again


@dataclass(frozen=True, kw_only=True)
class Own:
    """Base of the declarations. Each has `file`, and `test`, which may be the test split's file or share."""

    key: ClassVar[str]  # of the declaration in JSON

    content: Content | None = None  # filled in when the files are first read
    loads: bool = False  # whether the study file's `load` makes the rows, and `file` is only a name
    folder: Path | None = dataclasses.field(default=None, compare=False, repr=False)  # of the study file
    loader: Loader | None = dataclasses.field(default=None, compare=False, repr=False)  # on machines that have it

    @property
    def path(self) -> str:
        """The file, the folder, or the name that the declaration gives."""
        return str(getattr(self, "file"))  # noqa: B009 - every declaration has it, as its first field

    @property
    def test_part(self) -> str | float | None:
        """The test split's file, or its share of the rows; None: a fifth, unless the files say."""
        part: str | float | None = getattr(self, "test", None)
        return part

    @property
    def files(self) -> tuple[str, ...]:
        """The file, and that of the test split if there is one."""
        return (self.path, self.test_part) if isinstance(self.test_part, str) else (self.path,)

    @property
    def predicts_numbers(self) -> bool:
        """Whether numbers are predicted instead of classes."""
        return getattr(self, "task", "classification") == "regression"

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of what is predicted, as far as the declaration says; arrays may turn out to have several."""
        target = getattr(self, "target", None) or "y"
        return (target,) if isinstance(target, str) else tuple(target)

    @property
    def splits_by_column(self) -> bool:
        """Whether a column says which rows stay together, or which are the latest."""
        return self.splits_by_time or bool(getattr(self, "group", None))

    @property
    def splits_by_time(self) -> bool:
        """Whether the latest rows are held out, which then are the same in every replicate."""
        return bool(getattr(self, "time", None))

    @property
    def weighs_rows(self) -> bool:
        """Whether a column says how much a row counts in training."""
        return bool(getattr(self, "weight", None))

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        return PurePath(self.path).name.partition(".")[0] or self.key

    def at_home(self, folder: Path, loader: Loader | None) -> Self:
        """The same, as the study file in this folder declares it: with its function `load`, if there is one."""
        return dataclasses.replace(self, folder=folder, loader=loader, loads=self.loads or loader is not None)

    def __str__(self) -> str:
        return self.name

    def to_json(self) -> dict[str, Any]:
        """JSON values, without fields that have their defaults and without what is only true of this machine."""
        defaults = {field.name: field.default for field in dataclasses.fields(self) if field.compare}
        told = {name: getattr(self, name) for name in defaults if name != "content"}
        values = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in told.items()
            if value != defaults[name]
        }
        if self.content:
            values["content"] = self.content.to_json()
        return {self.key: values}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Self:
        """The declaration of which `to_json` made `{key: values}`."""
        told = _tuples(values)
        if content := told.pop("content", None):
            told["content"] = Content.from_json(content)
        return cls(**told)

    def _check_texts(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if isinstance(value, PurePath):
                object.__setattr__(self, name, value := str(value))
            if not isinstance(value, str) or not value.strip():
                raise UserError(f"{self._call(name)} must be a text that is not empty; it is {value!r}.")
        for file in self.files:
            self._check_address(file)

    def _check_address(self, file: str) -> None:
        if is_remote(file) and "@" in file.partition("://")[2].partition("/")[0]:
            raise UserError(
                f"{type(self).__name__}(…) has a user or password in the address of its file, which would be recorded "
                "with the study. Leave it out: fsspec takes it from the environment or from a file of its own."
            )

    def _check_test(self) -> None:
        if isinstance(self.test_part, PurePath):
            object.__setattr__(self, "test", str(self.test_part))
        is_share = isinstance(self.test_part, float) and 0 < self.test_part < 1
        if not (self.test_part is None or is_share or (isinstance(self.test_part, str) and self.test_part.strip())):
            raise UserError(f"{self._call('test')} must be a file, or a share such as 0.2; it is {self.test_part!r}.")

    def _check_task(self) -> None:
        task = getattr(self, "task")  # noqa: B009 - of those declarations that have it
        if task not in get_args(Task):
            raise UserError(f"{self._call('task')} must be {' or '.join(map(repr, get_args(Task)))}; it is {task!r}.")

    def _check_keys(self, *names: str) -> None:
        """Check the fields that name the column by which rows are split."""
        for name in names:
            if not isinstance(value := getattr(self, name), str | None) or value == "":
                raise UserError(f"{self._call(name)} must name a column; it is {value!r}.")
        if all(getattr(self, name) for name in names):
            raise UserError(
                f"{type(self).__name__}(…) has {' and '.join(f'{name}=' for name in names)}, but rows are split by one "
                "of them. Leave one out."
            )

    def _call(self, name: str) -> str:
        return f"{type(self).__name__}({name}=…)"


def is_remote(file: str) -> bool:
    """Whether a file is given by an address, such as https://example.org/churn.csv."""
    return "://" in file


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples, which JSON does not have."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
