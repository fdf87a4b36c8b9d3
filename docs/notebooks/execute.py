"""Execute the notebooks of this folder in a real kernel and write them with their output: `make notebooks`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import nbclient
import nbformat

FOLDER = Path(__file__).parent
CELL_S = 120  # the longest that a cell may take


def executed(notebook: Path) -> Any:
    """A notebook with the output of this execution. Raises CellExecutionError if a cell fails."""
    content = nbformat.read(notebook, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        nbclient.NotebookClient(
            content, timeout=CELL_S, record_timing=False, resources={"metadata": {"path": folder}}
        ).execute()
    for cell in content.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":  # TensorFlow writes what it found of the machine there, whatever it is told
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    content.metadata.language_info = {"name": "python"}
    return nbformat.reads(nbformat.writes(content).replace(folder, "."), as_version=4)


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.ipynb")):
        nbformat.write(executed(path), path)
        print(f"{path.name}: {path.stat().st_size // 1000} kB")
