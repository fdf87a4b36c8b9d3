"""What the files of a user's own dataset hold: classes, rows and shapes, found out when a study is first run."""

from __future__ import annotations

from collections import Counter
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from hpstudy.data.kinds.columns import MISSING, texts_of
from hpstudy.data.own_arrays import Part, read_part
from hpstudy.data.own_rows import Texts, classes_of, numbered, read_rows, targets_of
from hpstudy.data.places import Source
from hpstudy.errors import DatasetError
from hpstudy.study.arrays import Texts as TextsDeclaration
from hpstudy.study.catalog import TEST_SHARE
from hpstudy.study.metrics import DEFAULT_METRIC
from hpstudy.study.objective import metric_for_classes
from hpstudy.study.own import Content, Own
from hpstudy.study.table import Table

if TYPE_CHECKING:
    from hpstudy.data.kind import Raw


def content_of(own: Own, files: tuple[Path, ...], digests: tuple[str, ...]) -> Content:
    """What is recorded of a dataset.

    Args:
        files: Those that are kept: tables and arrays as they are, pictures as arrays.
        digests: Of the files that the declaration names.

    Raises:
        DatasetError: a file cannot be used; the message says why.
    """
    test_digest = digests[1] if len(digests) > 1 else ""
    if isinstance(own, Table | TextsDeclaration):
        return _of_table(own, files, digests[0], test_digest)
    return _of_arrays(own, files, digests[0], test_digest)


def read_labelled(source: Source, classes: tuple[str, ...], *, test: bool) -> Raw:
    """The rows of arrays, with their class numbers. Raises DatasetError."""
    from hpstudy.data.kind import Raw

    predicts_numbers = not classes
    part = read_part(source.files, test=test, predicts_numbers=predicts_numbers)
    part = part or read_part(source.files, test=False, predicts_numbers=predicts_numbers)  # the test split is drawn
    assert part
    return Raw(rows=part.x, labels=part.labels if predicts_numbers else numbered(part.labels, classes))


def _of_table(own: Table | TextsDeclaration, files: tuple[Path, ...], digest: str, test_digest: str) -> Content:
    table = own if isinstance(own, Table) else own.table
    labels = read_rows(files[0], table, MISSING, texts_of).labels
    predicts_numbers = own.predicts_numbers
    classes = () if predicts_numbers else classes_of(files[0], f"column {table.target!r}", list(labels))
    for path in files[1:]:
        others = read_rows(path, table, MISSING, texts_of).labels
        if not predicts_numbers:
            _check_labels(path, others, classes, own)
    return Content(
        digest=digest,
        classes=classes,
        rows=len(labels) - _held_out(own, len(labels)),
        test_digest=test_digest,
        targets=targets_of(table.targets, labels) if predicts_numbers else (),
        metric="" if predicts_numbers else _metric(labels),
    )


def _of_arrays(own: Own, files: tuple[Path, ...], digest: str, test_digest: str) -> Content:
    part = read_part(files, test=False, predicts_numbers=own.predicts_numbers)
    assert part
    classes = () if own.predicts_numbers else classes_of(files[0], "the labels", list(part.labels))
    test = read_part(files, test=True, predicts_numbers=own.predicts_numbers)
    if test:
        if classes:
            _check_labels(files[-1], test.labels, classes, own)
        _check_shapes(files[-1], part, test)
    return Content(
        digest=digest,
        classes=classes,
        rows=len(part.labels) - (0 if test else _held_out(own, len(part.labels))),
        test_digest=test_digest,
        targets=targets_of(_names(own, part.labels), part.labels) if own.predicts_numbers else (),
        metric="" if own.predicts_numbers else _metric(part.labels),
        shape=part.x.shape[1:],
        largest=part.largest,
        has_test=test is not None,
    )


def _names(own: Own, targets: NDArray[Any]) -> tuple[str, ...]:
    return own.targets if targets.ndim == 1 else tuple(f"{own.targets[0]}{place}" for place in range(targets.shape[1]))


def _metric(labels: Texts) -> str:
    """The objective where a study declares none; "" if it is the usual one."""
    found = metric_for_classes(list(Counter(labels).values()))
    return "" if found == DEFAULT_METRIC["classification"] else found


def _held_out(own: Own, rows: int) -> int:
    if isinstance(own.test_part, str):
        return 0
    return ceil((own.test_part or TEST_SHARE) * rows)


def _check_labels(path: Path, labels: Texts, classes: tuple[str, ...], own: Own) -> None:
    if unknown := sorted(set(labels) - set(classes)):
        where = f"column {own.target!r}" if isinstance(own, Table | TextsDeclaration) else "its test split"
        raise DatasetError(
            f"{path} has the label {unknown[0]!r} in {where}, which {own.path} has not. Correct it, "
            "or add rows of that class for training."
        )


def _check_shapes(path: Path, part: Part, test: Part) -> None:
    if (part.x.shape[1:], part.x.dtype) != (test.x.shape[1:], test.x.dtype):
        raise DatasetError(
            f"{path} has rows for the test of {test.x.dtype} {test.x.shape[1:]}, but those for training are of "
            f"{part.x.dtype} {part.x.shape[1:]}. Save both in the same form."
        )
