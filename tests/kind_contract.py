"""What every kind of datasets promises, for the test of any of them."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpstudy import data
from hpstudy.data.kind import Unbounded, kind_file, kind_of
from hpstudy.settings import Settings


def check_kind(dataset: str, config: Mapping[str, Any], settings: Settings) -> None:
    """A dataset's kind serves its own example, also where hpstudy is not installed, and traces values without bound."""
    kind = kind_of(dataset, config)
    assert isinstance(kind, Unbounded) == (kind.largest is None)
    arrays = data.prepare(dataset, config, 42, settings)
    description = json.loads(json.dumps(data.row_description(dataset, config, arrays, settings)))
    rows = _as_people_have_them(data.example(dataset, config, arrays, settings))
    with pytest.MonkeyPatch.context() as patch:
        served = _copied(dataset, patch).serve(rows, description)
    assert served.dtype == np.float32
    assert served.shape == (len(rows), *arrays.input_shape)
    np.testing.assert_array_equal(served, type(kind).serve(rows, description))


def _as_people_have_them(example: Mapping[str, Any]) -> Any:
    if "array" in example:
        return np.array(example["array"], example["dtype"])
    return pd.DataFrame({name: column["values"] for name, column in example["columns"].items()})


def _copied(dataset: str, patch: pytest.MonkeyPatch) -> Any:
    """The kind's class out of its file, which from now on finds no hpstudy."""
    spec = importlib.util.spec_from_file_location("a_copied_kind", kind_file(dataset))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    patch.setitem(sys.modules, spec.name, module)
    for name in [name for name in sys.modules if name.partition(".")[0] == "hpstudy"]:
        patch.setitem(sys.modules, name, None)
    spec.loader.exec_module(module)
    return module.KIND
