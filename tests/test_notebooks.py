"""The notebooks of the documentation run in a real kernel, and lie there with their output."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ipykernel", reason="ipykernel and nbclient are not installed")
nbformat = pytest.importorskip("nbformat", reason="ipykernel and nbclient are not installed")

from docs.notebooks.execute import FOLDER, executed  # noqa: E402 - needs nbclient

MOST_BYTES = 500_000
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_runs_from_its_first_cell_to_its_last(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HPSTUDY_HOME", "HPSTUDY_STORAGE"):
        monkeypatch.delenv(variable, raising=False)
    cells = [cell for cell in executed(notebook).cells if cell.cell_type == "code"]
    kept = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    assert [bool(cell.outputs) for cell in cells] == [bool(cell.outputs) for cell in kept], "run `make notebooks`"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_lies_there_with_its_output_and_no_trace_of_where_it_ran(notebook: Path) -> None:
    text = notebook.read_text("utf-8")
    assert len(text.encode()) < MOST_BYTES
    assert '"output_type"' in text
    assert '"output_type": "error"' not in text
    assert [place for place in ("/tmp", "/home/", "/root") if place in text] == []
