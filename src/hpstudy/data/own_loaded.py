"""What a study file's function `load` returns, as a file that is read like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.errors import HpstudyError, UserError, closed, reason
from hpstudy.study.arrays import Arrays, Images
from hpstudy.study.own import Loader, Own

if TYPE_CHECKING:
    import pandas as pd

_EXPECTED = (
    "Expected: ((x_train, y_train), (x_test, y_test)) as keras.datasets.….load_data() returns, (x, y), or a pandas "
    "DataFrame"
)


def load(own: Own, loader: Loader) -> pd.DataFrame | dict[str, NDArray[Any]]:
    """Call the function.

    Raises:
        UserError: it raises, or returns something else than arrays or a DataFrame as the declaration wants it.
    """
    import pandas as pd

    try:
        found = loader.call()
    except HpstudyError:
        raise
    except Exception as error:
        raise UserError(f"The study's load() raised {closed(reason(error))}") from error
    wants_arrays = isinstance(own, Arrays)
    if isinstance(own, Images):
        raise UserError("load() does not go with Images(…): give what it returns a name, such as dataset='flowers'.")
    if isinstance(found, pd.DataFrame) == wants_arrays:
        declared = f"dataset=Table({own.path!r}, target=…)" if wants_arrays else f"dataset={own.path!r}"
        raise UserError(
            f"load() returned a {type(found).__name__}, which does not go with {type(own).__name__}. Declare "
            f"{declared} instead. {_EXPECTED} for a Table or Texts."
        )
    return found if isinstance(found, pd.DataFrame) else _arrays(found)


def digest_of(loaded: pd.DataFrame | Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of the values with names and types, in hexadecimal; the same whatever they are kept in."""
    digest = hashlib.sha256()
    if isinstance(loaded, Mapping):
        for name, array in loaded.items():
            digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
    import pandas as pd

    digest.update(repr([(str(name), str(kind)) for name, kind in loaded.dtypes.items()]).encode())
    digest.update(pd.util.hash_pandas_object(loaded, index=False).to_numpy().data)
    return digest.hexdigest()


def ending(own: Own) -> str:
    """Of the file in which it is kept."""
    return ".npz" if isinstance(own, Arrays) else ".parquet"


def write(loaded: pd.DataFrame | Mapping[str, NDArray[Any]], target: Path) -> None:
    """Raises UserError if a column has values that no table can hold."""
    if isinstance(loaded, Mapping):
        with target.open("wb") as stream:
            np.savez(stream, **loaded)  # type: ignore[arg-type]
        return
    import pyarrow as pa

    try:
        loaded.to_parquet(target, index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise UserError(
            f"load() returned a DataFrame that cannot be kept as Parquet: {closed(reason(error))}"
        ) from None


def _arrays(found: object) -> dict[str, NDArray[Any]]:
    match found:
        case ((x, y), (x_test, y_test)):
            members = {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}
        case (x, y):
            members = {"x": x, "y": y}
        case _:
            raise UserError(f"load() returned a {type(found).__name__}. {_EXPECTED}.")
    try:
        arrays = {name: np.asarray(value) for name, value in members.items()}
    except ValueError:
        raise UserError(f"load() returned rows that differ in length. {_EXPECTED}.") from None
    return {name: array.astype(str) if _is_texts(array) else array for name, array in arrays.items()}


def _is_texts(array: NDArray[Any]) -> bool:
    return array.dtype == object and all(isinstance(value, str) for value in array.reshape(-1))
