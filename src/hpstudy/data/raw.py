"""Rows in the form in which users have them: how a model encodes them, and an example, both as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpstudy.data.kind import Kind, Raw, kind_of
from hpstudy.data.parts import read_train
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


def _training(kind: Kind, dataset: str | Own, arrays: Arrays, settings: Settings) -> Raw:
    return read_train(kind, fetch(dataset, settings)).taken(arrays.train)
