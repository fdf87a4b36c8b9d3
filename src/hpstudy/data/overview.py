"""What was understood of a dataset, and what may be wrong with it: for people, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.arrays import Arrays
from hpstudy.data.kind import Raw, kind_of
from hpstudy.data.kinds.columns import Cells, Columns, column_inputs, is_missing
from hpstudy.data.parts import read_both
from hpstudy.data.prepare import prepare, prepare_test
from hpstudy.data.sources import fetch
from hpstudy.settings import Settings
from hpstudy.study.arrays import Texts
from hpstudy.study.factors import Config, dataset_info
from hpstudy.study.own import Own
from hpstudy.study.splits import RESAMPLE, Splits
from hpstudy.study.table import Table

_MOST_UNEVEN = 10  # rows of the largest class by those of the smallest
_FEWEST = 10  # rows of a class
_LEAK = 0.99  # balanced accuracy of a single column beyond which it hardly was known before the target
_MOST_LOOKED_AT = 10_000  # rows on which a column is tried
_FEWEST_TOLD = 5  # validation rows of each class; of fewer, a column tells them by chance
_LEAVES = 32
_MOST_LEAVES = 256  # where numbers are predicted, which a tree does by steps
_MOST_ALIKE = 0.05  # of the rows of the test split
_FEWEST_DIFFERENT = 0.4  # of the training rows
_SHOWN = 4  # levels
_LEFT_OUT = "left out"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a user's table."""

    name: str
    use: str  # "number", "category", "date", "truth", "text", or "left out"
    detail: str  # what was fitted on the training rows, or why the column is left out
    missing: float  # share of the training rows


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A dataset as the first replicate of a study has it."""

    columns: tuple[Column, ...]  # of a user's table
    classes: Mapping[str, Mapping[str, int]]  # class → part → rows
    parts: Mapping[str, int]  # part → rows
    inputs: tuple[int, ...]  # shape of a row
    warnings: tuple[str, ...]  # a sentence each, which says what to do


def overview(dataset: str | Own, config: Config, seed: int, settings: Settings, splits: Splits = RESAMPLE) -> Overview:
    """Prepare a dataset, and look at it.

    Args:
        config: The levels of a trial that determine its data, and `batch_size`.
        seed: The seed of the split.

    Raises:
        NotFoundError, UserError, StorageError: as in `prepare`.
    """
    arrays = prepare(dataset, config, seed, settings, splits)
    test = prepare_test(dataset, config, seed, settings, splits)
    labels = {"training": arrays.y[arrays.train], "validation": arrays.y[arrays.validation], "test": test.y}
    classes = {
        name: {part: int((numbers == number).sum()) for part, numbers in labels.items()}
        for number, name in enumerate(arrays.classes)
    }
    found = (*_uneven(classes), *_large_batch(len(arrays.train), config))
    columns: tuple[Column, ...] = ()
    if isinstance(dataset, Texts):
        written, held_out = read_both(kind_of(dataset, config), fetch(dataset, settings))
        found = (*_alike(_text_hashes(written.rows)[arrays.train], _text_hashes(held_out.rows)), *found)
    elif isinstance(dataset, Own) and not isinstance(dataset, Table):
        found = (*_alike(_hashes(arrays.x)[arrays.train], _hashes(test.x)), *found)
    if isinstance(dataset, Table):
        kind = Columns.of(dataset_info(dataset), {})
        raw, held_out = read_both(kind, fetch(dataset, settings))
        columns = tuple(_columns(kind, raw.taken(arrays.train)))
        used = [column.name for column in columns if column.use != _LEFT_OUT]
        hashes = (_cell_hashes(part.rows, used) for part in (raw.taken(arrays.train), held_out))
        found = (*_leaks(kind, raw, arrays), *_alike(*hashes), *found)
    return Overview(
        columns=columns,
        classes=classes,
        parts={part: len(numbers) for part, numbers in labels.items()},
        inputs=arrays.input_shape,
        warnings=found,
    )


def _columns(kind: Columns, training: Raw) -> Iterator[Column]:
    for name, column in kind.understood(training.rows).items():
        missing = float(is_missing(training.rows.columns[name]).mean())
        if isinstance(column, str):
            yield Column(name=name, use=_LEFT_OUT, detail=column, missing=missing)
        else:
            yield Column(name=name, use=column["kind"], detail=_detail(column), missing=missing)


def _detail(column: Mapping[str, Any]) -> str:
    match column["kind"]:
        case "category":
            levels = column["levels"]
            more = f" and {len(levels) - _SHOWN} more" if len(levels) > _SHOWN else ""
            return f"{', '.join(levels[:_SHOWN])}{more}; one input for all others"
        case "date":
            return f"from {column['first'][:10]}, median {column['fill'][:10]}"
        case "text":
            words = column["words"]
            return f"{len(words)} words: {', '.join(words[:_SHOWN])}, …"
        case "truth":
            return f"mostly {'true' if column['fill'] else 'false'}"
        case _:
            return f"median {column['fill']:.6g}"


def _uneven(classes: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    if not classes:
        return
    rows = {name: sum(parts.values()) for name, parts in classes.items()}
    rarest, largest = min(rows, key=lambda name: rows[name]), max(rows, key=lambda name: rows[name])
    if rows[largest] > _MOST_UNEVEN * rows[rarest]:
        yield (
            f"The classes are out of balance: {largest!r} has {rows[largest]:,} rows, {rarest!r} {rows[rarest]:,}. A "
            f"network that never says {rarest!r} has a high accuracy. Take another objective, such as "
            "val_balanced_accuracy or val_auc."
        )
    if rows[rarest] < _FEWEST:
        parts = ", ".join(f"{part} {count}" for part, count in classes[rarest].items())
        yield (
            f"The class {rarest!r} has only {rows[rarest]} rows ({parts}), so its scores are chance. Add rows of it, "
            "join it with another class, or leave it out."
        )


def _large_batch(training: int, config: Config) -> Iterator[str]:
    batch = config.get("batch_size")
    if isinstance(batch, int) and batch > training:
        yield f"batch_size={batch} is more than the {training:,} training rows, so an epoch is one step. Take fewer."


def _leaks(kind: Columns, raw: Raw, arrays: Arrays) -> Iterator[str]:
    """The columns of which a small tree alone, fitted on training rows, tells the targets of validation rows."""
    train, validation = (rows[:_MOST_LOOKED_AT] for rows in (_shuffled(arrays.train), _shuffled(arrays.validation)))
    counts = (
        [len(validation)] if arrays.task == "regression" else np.unique(arrays.y[validation], return_counts=True)[1]
    )
    if min(counts) < _FEWEST_TOLD:
        return
    for name, column in kind.fitted(raw.taken(arrays.train).rows).items():
        x = column_inputs(raw.rows.columns[name], column)
        if _told_by(x, arrays, train, validation) >= _LEAK:
            yield (
                f"The column {name!r} alone predicts the target. If it is only known once the target is, put it "
                f"into drop=: else the scores will not hold for new rows."
            )


def _told_by(x: NDArray[np.float32], arrays: Arrays, train: NDArray[np.int32], validation: NDArray[np.int32]) -> float:
    """The balanced accuracy of a small tree, or in a regression its R²."""
    from sklearn.metrics import balanced_accuracy_score, r2_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    leaves = max(_LEAVES, len(arrays.classes))
    tree: Any = DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=0)
    if arrays.task == "regression":
        tree = DecisionTreeRegressor(max_leaf_nodes=_MOST_LEAVES, random_state=0)
    guessed = tree.fit(x[train], arrays.truth[train]).predict(x[validation])
    score = r2_score if arrays.task == "regression" else balanced_accuracy_score
    return float(score(arrays.truth[validation], guessed))


def _shuffled(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.random.default_rng(0).permutation(rows)


def _alike(training: NDArray[np.int64], test: NDArray[np.int64]) -> Iterator[str]:
    """Compare rows by their hashes, (rows,)."""
    known = np.unique(training)
    if len(known) < _FEWEST_DIFFERENT * len(training):
        return  # of few values, rows are alike without having been entered twice
    alike = int(np.isin(test, known).sum())
    if alike > _MOST_ALIKE * len(test):
        yield (
            f"{alike:,} of the {len(test):,} test rows are also among the training rows. If they were entered twice, "
            "remove the copies; if they belong together, name the column that says so in group=."
        )


def _hashes(x: NDArray[Any]) -> NDArray[np.int64]:
    """Of encoded rows."""
    return np.fromiter((hash(row.tobytes()) for row in x), np.int64, len(x))


def _text_hashes(texts: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.array([hash(text) for text in texts], np.int64)


def _cell_hashes(rows: Cells, names: Iterable[str]) -> NDArray[np.int64]:
    """Of the cells of these columns: encoded, rare categories are all the same."""
    import pandas as pd

    found = np.zeros(len(rows.numbers), np.uint64)
    for name in names:
        found = found * np.uint64(31) + pd.util.hash_array(rows.columns[name])
    return found.view(np.int64)
