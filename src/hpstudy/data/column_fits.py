"""What is fitted to the columns of a user's own table on the training rows, as JSON values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Texts = NDArray[np.object_]  # of one column, (rows,): str, "" where a value is missing

_MOST_LEVELS = 20  # of a column that is no identifier, however many rows there are
_RAREST = 2  # rows that a level or a word needs for an input of its own
_KEY_NAME = re.compile(r"(^|[^a-zA-Z])(id|ID|Id|key|Key)$|[a-z](Id|ID|Key)$")


def identifier(name: str, values: NDArray[np.float64]) -> str | None:
    """Why the numbers of a column say nothing but which row it is; None if they may say more."""
    if _counts_rows(values):
        return "row numbers"
    is_key = len(values) > _MOST_LEVELS and (values == np.round(values)).all() and len(set(values)) == len(values)
    return "an identifier: every number differs" if is_key and _KEY_NAME.search(name) else None


def _counts_rows(values: NDArray[np.float64]) -> bool:
    """Whether the numbers, in the order of the file, are those of the rows: whole, all different, and rising."""
    return (
        len(values) > _MOST_LEVELS
        and bool((values == np.round(values)).all())
        and bool((np.diff(values) > 0).all())
        and float(values[-1] - values[0]) < 2 * len(values)
    )


def fit_number(values: NDArray[np.float64]) -> dict[str, Any]:
    """The median, which replaces missing numbers."""
    from sklearn.impute import SimpleImputer

    is_missing = np.isnan(values)
    if is_missing.all():
        return {"kind": "number", "fill": 0.0, "marks_missing": False}
    fill = SimpleImputer(strategy="median").fit(values[:, np.newaxis]).statistics_[0]
    return {"kind": "number", "fill": float(fill), "marks_missing": bool(is_missing.any())}


def fit_categories(texts: Texts, most: int) -> dict[str, Any]:
    """The levels with an input of their own, so that there are at most `most` with that of all others."""
    import pandas as pd
    from sklearn.preprocessing import OneHotEncoder

    codes, levels = pd.factorize(texts, sort=True)  # scikit-learn counts numbers far faster than texts
    encoder = OneHotEncoder(min_frequency=_RAREST, max_categories=most, handle_unknown="infrequent_if_exist")
    encoder.fit(codes[:, np.newaxis])
    rare = encoder.infrequent_categories_[0]
    dropped = set() if rare is None else set(rare)
    kept = [str(levels[code]) for code in encoder.categories_[0] if code not in dropped]
    return {"kind": "category", "levels": kept[: most - 1] if len(kept) == most else kept}


def fit_truth(texts: Texts) -> dict[str, Any]:
    """The more frequent of true and false, which replaces missing ones."""
    known = texts[texts != ""]
    return {
        "kind": "truth",
        "fill": float((known == "true").mean() >= 0.5),
        "marks_missing": len(known) < len(texts),
    }


def fit_date(dates: NDArray[np.datetime64], form: str) -> dict[str, Any]:
    """The earliest date and the median, which replaces missing ones. `form` is the format in which they are written."""
    known = np.sort(dates[~np.isnat(dates)])
    return {
        "kind": "date",
        "format": form,
        "first": str(known[0]),
        "fill": str(known[len(known) // 2]),
        "marks_missing": len(known) < len(dates),
        "has_times": bool((known != known.astype("datetime64[D]")).any()),
    }


def fit_text(texts: Texts, words_of: Callable[[str], list[str]], most: int) -> dict[str, Any]:
    """The words that occur in the most rows, at most `most`; of equally frequent ones the first in the alphabet."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=words_of, binary=True)
    counts = np.asarray(counter.fit_transform(texts).sum(axis=0)).reshape(-1)
    order = np.argsort(-counts, kind="stable")[:most]
    words = counter.get_feature_names_out()[order]
    return {"kind": "text", "words": [str(word) for word in words[counts[order] >= _RAREST]]}
