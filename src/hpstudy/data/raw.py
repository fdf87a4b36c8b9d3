"""Rows in the form in which users have them: how a model encodes them, and an example, both as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.kind import Kind, Raw, kind_of
from hpstudy.data.parts import read_test, read_train
from hpstudy.data.scaling import decode
from hpstudy.data.sources import fetch
from hpstudy.study.factors import dataset_info
from hpstudy.study.own import Own

if TYPE_CHECKING:
    from hpstudy.data.arrays import Arrays
    from hpstudy.settings import Settings
    from hpstudy.study.factors import Config

EXAMPLES = 2  # rows


def row_description(dataset: str | Own, config: Config, arrays: Arrays, settings: Settings) -> dict[str, Any]:
    """What the model of one trial needs in order to encode rows, for `Kind.serve`.

    Args:
        arrays: The trial's, with the split on whose training rows the encoding was fitted.
    """
    kind = kind_of(dataset, config)
    training = _training(kind, dataset, arrays, settings) if kind.is_fitted else None
    return {"kind": dataset_info(dataset).kind.name, **kind.description(training)}


def example(dataset: str | Own, config: Config, arrays: Arrays, settings: Settings) -> dict[str, Any]:
    """A few rows as a user has them, in the form of `Kind.example`."""
    rows = decode(arrays.x[arrays.train[:EXAMPLES]], arrays.encoding, arrays.features)
    return kind_of(dataset, config).example(rows, fetch(dataset, settings))


def test_row_numbers(
    dataset: str | Own,
    config: Config,
    count: int,
    settings: Settings,
) -> NDArray[np.int64]:
    """Which row of its file each row of the test split is, from 1, without the header, (rows,).

    Args:
        count: How many rows the test split has.
    """
    if dataset_info(dataset).test == "official" and not isinstance(dataset, Own):  # their files have no other rows
        return np.arange(1, count + 1)
    return read_test(kind_of(dataset, config), fetch(dataset, settings)).numbers + 1


def _training(kind: Kind, dataset: str | Own, arrays: Arrays, settings: Settings) -> Raw:
    return read_train(kind, fetch(dataset, settings)).taken(arrays.train)
