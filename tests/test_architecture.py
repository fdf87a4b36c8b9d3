"""Imports point downwards, and each process loads only what it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hpstudy

SOURCE = Path(hpstudy.__file__).parent
# from the ground up: a module may import modules of its own layer and of layers above it in this list
LAYERS = (
    ("errors", "python"),
    ("catalog", "factors", "domains", "published", "spec", "settings", "passwords", "records", "owner"),
    (
        "neighbours",
        "studyfile",
        "overrides",
        "rundir",
        "data",
        "model",
        "program",
        "sparse_program",
        "diagnostics",
        "trainer",
        "networks",
        "hpstudy_model",
        "storage",
        "mirror",
    ),
    ("worker", "report", "evaluation"),
    ("reproduce", "doctor", "packaging"),
    ("cli",),
)
HEAVY = {"tensorflow", "keras", "mlflow", "optuna", "pandas", "sklearn"}


def layer_of(module: str) -> int | None:
    return next((number for number, layer in enumerate(LAYERS) if module in layer), None)


def modules() -> list[Path]:
    return [file for file in SOURCE.rglob("*.py") if file.parent != SOURCE or not file.name.startswith("__")]


def imported(file: Path) -> set[str]:
    """The modules of hpstudy that a file imports anywhere, by the name below the package."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} if node.module != "hpstudy" else {f"hpstudy.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("hpstudy.")}


def room(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_point_downwards(file: Path) -> None:
    own = layer_of(room(file))
    assert own is not None, f"{room(file)} has no layer: give it one in this test and in docs/design.md"
    above = {name for name in imported(file) if (layer_of(name) if layer_of(name) is not None else -1) > own}  # type: ignore[operator]
    assert not above


def test_nobody_imports_the_command_line() -> None:
    assert not [file for file in modules() if room(file) != "cli" and "cli" in imported(file)]


def loaded(code: str) -> set[str]:
    """The heavy libraries that a process has loaded after running `code`."""
    program = f"import sys\n{code}\nprint(','.join({HEAVY!r} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return set(filter(None, printed.strip().split(",")))


def test_every_python_is_started_without_the_current_folder_before_its_libraries() -> None:
    assert [file.name for file in modules() if "sys.executable" in file.read_text()] == ["python.py"]


def test_the_command_line_loads_no_heavy_library() -> None:
    assert loaded("import hpstudy, hpstudy.cli, hpstudy.cli.run, hpstudy.cli.studies, hpstudy.cli.trials") == set()


def test_a_trainer_process_loads_no_mlflow() -> None:
    libraries = loaded("from hpstudy.worker.trainer_process import _load_libraries; _load_libraries()")
    assert {"tensorflow", "keras", "optuna"} <= libraries
    assert "mlflow" not in libraries


def test_a_supervisor_loads_no_tensorflow() -> None:
    code = "import mlflow, hpstudy.data, hpstudy.tracking.mlflow, hpstudy.storage, hpstudy.worker.supervisor"
    assert not {"tensorflow", "keras"} & loaded(code)
