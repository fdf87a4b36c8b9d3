"""Every kind of datasets keeps what `Kind` promises, also where hpstudy is not installed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_factories import generated, make_settings
from hpstudy import data
from hpstudy.data.kind import Unbounded, kind_file, kind_of
from hpstudy.study.catalog import DATASETS, KINDS

EXAMPLES = {"image": "digits", "words": "imdb", "table": "titanic", "gate": "logic_gates"}  # a dataset of each kind


def as_people_have_them(example: dict[str, Any]) -> Any:
    if "array" in example:
        return np.array(example["array"], example["dtype"])
    return pd.DataFrame({name: column["values"] for name, column in example["columns"].items()})


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_kind_serves_rows_where_hpstudy_is_not_installed(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, config = EXAMPLES[kind], {"num_words": 50, "gate": "or"}
    settings = make_settings(tmp_path, generated(dataset, tmp_path))
    arrays = data.prepare(dataset, config, 42, settings)
    description = json.loads(json.dumps(data.row_description(dataset, config, arrays, settings)))
    rows = as_people_have_them(data.example(dataset, config, arrays, settings))
    spec = importlib.util.spec_from_file_location(f"copied_{kind}", kind_file(dataset))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    for name in [name for name in sys.modules if name.partition(".")[0] == "hpstudy"]:
        monkeypatch.setitem(sys.modules, name, None)  # Python refuses to import it then

    spec.loader.exec_module(module)
    served = module.KIND.serve(rows, description)

    assert description["kind"] == kind
    assert served.dtype == np.float32
    assert served.shape == (2, *arrays.input_shape)
    if kind in ("image", "gate"):
        np.testing.assert_array_equal(served.reshape(2, -1), arrays.x[arrays.train[:2]])


def test_inputs_without_a_bound_can_be_traced_to_the_file() -> None:
    assert {kind.name for kind in KINDS} == set(EXAMPLES)
    for dataset in DATASETS:
        kind = kind_of(dataset, {})
        assert isinstance(kind, Unbounded) == (kind.largest is None)
