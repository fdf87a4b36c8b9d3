"""Rooms import downwards, without circles, and each process loads only what it needs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import hpstudy
from hpstudy.cli import COMMANDS

SOURCE = Path(hpstudy.__file__).parent
DESIGN = Path(__file__).parents[1] / "docs" / "design.md"
HEAVY = {"tensorflow", "keras", "mlflow", "optuna", "pandas", "sklearn", "numpy", "sqlalchemy"}


def floors() -> dict[str, int]:
    """Room → floor, as the table of docs/design.md has them."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", DESIGN.read_text(encoding="utf-8"), re.MULTILINE)
    return {room: int(floor) for floor, room in rows}


FLOORS = floors()


def module_of(file: Path) -> str:
    """The dotted name below the package: `study.spec`; that of a package for its `__init__`."""
    return ".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    module_of(file): file
    for file in sorted(SOURCE.rglob("*.py"))
    if file.parent != SOURCE or not file.name.startswith("__")
}


def imported(file: Path) -> set[str]:
    """The modules of hpstudy that a file imports anywhere, by their names below the package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith("hpstudy."):
            parent = node.module.removeprefix("hpstudy").removeprefix(".")
            inner = {f"{parent}.{alias.name}".removeprefix(".") for alias in node.names}
            names |= {name if name in MODULES else parent for name in inner}
        elif isinstance(node, ast.Import):
            names |= {alias.name.removeprefix("hpstudy.") for alias in node.names if alias.name.startswith("hpstudy.")}
    return names - {module_of(file), ""}


IMPORTS = {module: imported(file) for module, file in MODULES.items()}


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def test_every_room_stands_in_the_table_of_the_design_and_no_other() -> None:
    assert {room(module) for module in MODULES} == set(FLOORS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downwards(module: str) -> None:
    own = FLOORS[room(module)]
    above = {name for name in IMPORTS[module] if room(name) != room(module) and FLOORS[room(name)] >= own}
    assert not above


def test_no_modules_import_each_other_in_a_circle() -> None:
    packages = {module for module, file in MODULES.items() if file.name == "__init__.py"}
    graph = {module: names - packages for module, names in IMPORTS.items() if module not in packages}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def names_of(file: Path) -> set[str]:
    """Every identifier, import and text of a module, but for those that tell a person something."""
    told: set[int] = set()
    found: set[str] = set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            told.add(id(node.value))  # a docstring
        elif isinstance(node, ast.keyword) and node.arg in ("help", "epilog"):
            told |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute | ast.alias | ast.FunctionDef | ast.ClassDef | ast.arg):
            found.add(getattr(node, "id", "") or getattr(node, "attr", "") or getattr(node, "name", ""))
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            found.add(node.value)
    return found


def test_only_the_room_of_trackers_names_mlflow() -> None:
    """But for its variable, its file in `home` and its password, which belong to the settings."""
    elsewhere = {name: names_of(file) for name, file in MODULES.items() if room(name) != "tracking"}
    named = {(module, name) for module, names in elsewhere.items() for name in names if "mlflow" in name.lower()}
    in_settings = {("settings", "MLFLOW_TRACKING_URI"), ("settings", "mlflow.db")}
    assert {(module, name) for module, name in named - in_settings if "_PASSWORD" not in name} == set()


@pytest.mark.parametrize("command", sorted(set(COMMANDS.values())))
def test_no_command_imports_the_module_of_another_command(command: str) -> None:
    """What two of them need lies below the command line."""
    others = {f"cli.{other}" for other in COMMANDS.values() if other != command}
    assert not IMPORTS[f"cli.{command}"] & others


def loaded(code: str) -> set[str]:
    """The heavy libraries that a process has loaded after running `code`."""
    program = f"import sys\n{code}\nprint(','.join({HEAVY!r} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return set(filter(None, printed.strip().split(",")))


def test_every_python_is_started_without_the_current_folder_before_its_libraries() -> None:
    assert [name for name, file in MODULES.items() if "sys.executable" in file.read_text("utf-8")] == ["python"]


def test_the_command_line_loads_no_heavy_library() -> None:
    code = "import hpstudy, hpstudy.cli, hpstudy.cli.run, hpstudy.cli.studies, hpstudy.cli.trials"
    shows_help = "from click.testing import CliRunner; CliRunner().invoke(hpstudy.cli.main, ['--help'])"
    assert loaded(f"{code}\n{shows_help}") == set()


def test_the_face_for_programs_loads_no_heavy_library_before_it_is_used() -> None:
    assert loaded("import hpstudy; assert 'hpstudy.api' not in sys.modules; hpstudy.run, hpstudy.Result") == set()


def test_a_trainer_process_loads_no_mlflow() -> None:
    libraries = loaded("from hpstudy.worker.trainer_process import load_libraries; load_libraries()")
    assert {"tensorflow", "keras", "optuna"} <= libraries
    assert "mlflow" not in libraries


def test_a_supervisor_loads_no_tensorflow() -> None:
    code = "import mlflow, hpstudy.data, hpstudy.tracking.mlflow, hpstudy.storage, hpstudy.worker.supervisor"
    assert not {"tensorflow", "keras"} & loaded(code)
