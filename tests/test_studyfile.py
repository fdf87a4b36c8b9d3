"""A study file runs as an import does: with its own module, behind the libraries, its helpers always at hand."""

from __future__ import annotations

import inspect
import pickle
import sys
import typing
from pathlib import Path
from typing import Any

import pytest

from hpstudy.errors import UserError
from hpstudy.study.studyfile import load

STUDY = """
from hpstudy import Choice, Grid, Study
study = Study(name="small", dataset="logic_gates", vary=dict(width=Choice(2, 3)), design=Grid())
"""
LAZY = (
    STUDY
    + """
def build(config, input_shape, outputs):
    from layers import width
    return width(config)
"""
)


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def built(file: Path) -> Any:
    """What the file's `build` returns for a width of 2."""
    build = load(file).build
    assert build is not None
    return build({"width": 2}, (2,), 1)


DECLARES_CLASSES = (
    "from __future__ import annotations\n"
    + STUDY
    + """
import dataclasses, enum, typing
@dataclasses.dataclass(slots=True)
class Plan:
    epochs: int = 1
class Size(enum.Enum):
    SMALL = 1
class Pair(typing.NamedTuple):
    first: Plan
def build(config, input_shape, outputs):
    return Pair(Plan(2)), Size.SMALL
if __name__ == "__main__":
    1 / 0
"""
)


def test_classes_of_a_study_file_are_those_of_a_module(tmp_path: Path) -> None:
    """Postponed annotations, pickle, type hints and source find what they look for, also after another file."""
    pair, size = built(write(tmp_path, "plans.py", DECLARES_CLASSES))
    load(write(tmp_path / "other", "plans.py", LAZY))
    assert pickle.loads(pickle.dumps((pair, size))) == (pair, size)
    assert typing.get_type_hints(type(pair)) == {"first": type(pair.first)}
    assert "epochs: int = 1" in inspect.getsource(type(pair.first))


def test_a_file_without_postponed_annotations_has_its_own_rules(tmp_path: Path) -> None:
    file = write(tmp_path, "rules.py", STUDY + "def build(config: int, input_shape, outputs):\n    return build\n")
    assert built(file).__annotations__ == {"config": int}


@pytest.mark.parametrize("name", ["random", "keras", "test", "hpstudy", "queue", "own study", "a-b.c", "연구"])
def test_no_file_beside_a_study_takes_the_place_of_a_library_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    for other in ("random", "queue", "sched", "optuna", "hpstudy"):
        write(tmp_path, f"{other}.py", "raise RuntimeError('not me')")
    asks = "import random, queue, sched\ndef build(*_):\n    return random.Random, queue.Queue, sched.scheduler\n"
    sys.modules.pop("sched", None)
    assert all(inspect.isclass(found) for found in built(write(tmp_path, f"{name}.py", STUDY + asks)))


def test_a_helper_beside_the_file_is_found_whenever_build_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a relative path, after the current folder has changed, through a symbolic link, and from a package."""
    write(tmp_path, "real/layers/__init__.py", "from layers.inner import width")
    write(tmp_path, "real/layers/inner.py", "def width(config): return config['width']")
    write(tmp_path, "real/lazy.py", LAZY)
    (tmp_path / "link.py").symlink_to(tmp_path / "real" / "lazy.py")
    monkeypatch.chdir(tmp_path)
    files = load(Path("real/lazy.py")), load(Path("link.py"))
    monkeypatch.chdir("/")
    for file in files:
        assert file.build is not None
        assert file.build({"width": 7}, (2,), 1) == 7


def test_studies_of_two_folders_have_each_its_own_helper_of_one_name(tmp_path: Path) -> None:
    files = []
    for folder in ("a", "b"):
        write(tmp_path / folder, "layers.py", f"def width(config): return {folder!r}")
        files.append(load(write(tmp_path / folder, "lazy.py", LAZY)))
    for _ in range(2):
        assert [file.build and file.build({}, (2,), 1) for file in files] == ["a", "b"]


def test_an_edit_within_the_same_second_is_seen(tmp_path: Path) -> None:
    for width in (4, 5):
        text = STUDY + f"def build(*_):\n    return {width}\n"
        assert built(write(tmp_path, "edited.py", text)) == width


def test_a_file_that_raises_leaves_no_module_behind(tmp_path: Path) -> None:
    before = set(sys.modules)
    with pytest.raises(UserError, match=r"wrong.py, line 1: the study file raised ZeroDivisionError: division by zero"):
        load(write(tmp_path, "wrong.py", "1 / 0"))
    assert not {name for name in set(sys.modules) - before if "hpstudy_file" in name}


def test_the_digest_of_a_network_is_that_of_recorded_studies(tmp_path: Path) -> None:
    assert load(write(tmp_path, "lazy.py", '"""Why?"""\n' + LAZY)).study.network_digest == "8337ee629872a3cc"


def test_a_design_whose_argument_has_no_name_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path, "unnamed.py", "from hpstudy import Grid\nGrid(3)\n")
    with pytest.raises(UserError, match=r"line 2: Grid\(…\) takes .* by name only, as in Grid\(replicates=3\)"):
        load(path)


def test_a_name_without_its_ending_suggests_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.py", STUDY)
    with pytest.raises(UserError, match=r"Did you mean .*mine\.py\?"):
        load(path.with_suffix(""))
