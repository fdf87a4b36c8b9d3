"""Rows as people have them, in JSON values: how they become the rows of `Arrays`, and some as an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hpstudy.data.scaling import decode
from hpstudy.data.sources import fetch
from hpstudy.serving.hpstudy_model import INDEX_FROM, is_missing
from hpstudy.study.catalog import DATASETS

if TYPE_CHECKING:
    from hpstudy.data.arrays import Arrays
    from hpstudy.settings import Settings

EXAMPLES = 2  # rows


def row_facts(dataset: str, arrays: Arrays, settings: Settings) -> dict[str, Any]:
    """What `hpstudy_model.encode` needs to know of the rows of one trial.

    Args:
        arrays: Of the trial: with its split, on whose training rows imputation was fitted.
    """
    match DATASETS[dataset].kind:
        case "words":
            return {"kind": "words", "num_words": arrays.features}
        case "table":
            return {"kind": "table", "fills": _fills(dataset, arrays, settings)}
        case kind:
            return {"kind": kind, "shape": list(arrays.input_shape)}


def example(dataset: str, arrays: Arrays, settings: Settings) -> dict[str, Any]:
    """The first training rows as a user has them.

    Returns:
        For images `{"images": nested lists}`, else `{"columns": {name: {"type": …, "values": […]}}}`, where the type
        is MLflow's word for it.
    """
    rows = decode(arrays.x[arrays.train[:EXAMPLES]], arrays.encoding, arrays.features)
    match DATASETS[dataset].kind:
        case "image":
            return {"images": rows.reshape(-1, *arrays.input_shape).tolist()}
        case "words":
            words = [[int(word) - INDEX_FROM for word in np.flatnonzero(row) if word > INDEX_FROM] for row in rows]
            return {"columns": {"words": {"type": "array", "values": words}}}
        case "table":
            return {"columns": _passengers(dataset, settings)}
        case _:
            columns = zip(("a", "b"), rows.T, strict=True)
            return {"columns": {name: {"type": "long", "values": list(map(int, row))} for name, row in columns}}


def _fills(dataset: str, arrays: Arrays, settings: Settings) -> dict[str, float]:
    from hpstudy.data.passengers import fit_fills
    from hpstudy.data.readers import read_train

    known = read_train(fetch(dataset, settings))
    assert isinstance(known.rows, np.ndarray)
    return fit_fills(known.columns, known.rows[arrays.train])


def _passengers(dataset: str, settings: Settings) -> dict[str, Any]:
    from hpstudy.data.passengers import raw_passengers

    found = raw_passengers(fetch(dataset, settings).files[0])
    return {name: _typed(texts) for name, texts in found.items()}


def _typed(texts: Sequence[str]) -> dict[str, Any]:
    """A column as pandas reads it: whole numbers where nothing is missing, numbers, or texts."""
    known = [text for text in texts if not is_missing(text)]
    shown = [None if is_missing(text) else text for text in texts[:EXAMPLES]]
    try:
        numbers = [float(text) for text in known]
    except ValueError:
        return {"type": "string", "values": shown}
    if len(known) == len(texts) and all(number.is_integer() for number in numbers):
        return {"type": "long", "values": [int(number) for number in numbers[:EXAMPLES]]}
    return {"type": "double", "values": [None if text is None else float(text) for text in shown]}
