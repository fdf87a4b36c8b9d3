"""A path becomes a `Study`: the file is Python, and defines exactly one."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from hpstudy.errors import UserError
from hpstudy.spec import Study


@dataclass(frozen=True, kw_only=True)
class StudyFile:
    """What a study file defines."""

    path: Path
    source: str
    study: Study
    build: Callable[..., Any] | None  # build(config, input_shape, outputs) -> keras.Model


def load(path: Path) -> StudyFile:
    """Run a study file and take its one Study.

    Raises:
        UserError: the file is missing, is not Python, raises, defines no study or several, or a wrong one.
    """
    source = _read(path)
    tree = _parse(path, source)
    module = _execute(path)
    studies = {id(value): value for value in vars(module).values() if isinstance(value, Study)}
    if len(studies) != 1:
        found = ", ".join(study.name for study in studies.values()) or "none"
        raise UserError(
            f"{path} must define exactly one Study; it has {len(studies)} ({found}). "
            "`hpstudy init NAME` writes a file to begin with; put each study into a file of its own."
        )
    build = getattr(module, "build", None)
    if build is not None and not callable(build):
        raise UserError(f"{path}: `build` must be a function build(config, input_shape, outputs); it is {build!r}.")
    (study,) = studies.values()
    study = dataclasses.replace(
        study,
        question=study.question or " ".join((ast.get_docstring(tree) or "").split()),
        network=_digest(tree) if build else "",
    )
    try:
        study.check_factors()
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return StudyFile(path=path, source=source, study=study, build=build)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = sorted(str(other) for other in path.parent.glob("*.py")) if path.parent.is_dir() else []
        hint = f" Files there: {', '.join(near)}." if near else ""
        raise UserError(f"There is no study file {path}.{hint} `hpstudy init NAME` writes a new one.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder; expected a study file such as {path}/optimizers.py.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file in UTF-8, so it is no Python study file.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None


def _parse(path: Path, source: str) -> ast.Module:
    try:
        return ast.parse(source, filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path}, line {line}" if line else str(path)
        raise UserError(f"{where}: this is not Python: {getattr(error, 'msg', error)}.") from error


def _execute(path: Path) -> ModuleType:
    """Import the file under a name of its own, with its folder importable as for a script."""
    spec = importlib.util.spec_from_file_location(f"_hpstudy_file_{path.stem}", path.absolute())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.absolute().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except UserError as error:
        raise UserError(f"{_place(path, error)}: {error}") from error
    except (Exception, SystemExit) as error:
        raise UserError(
            f"{_place(path, error)}: the study file raised {type(error).__name__}: {error}. "
            "It should only declare a study; run it with --debug to see the traceback."
        ) from error
    finally:
        sys.path.remove(folder)
    return module


def _place(path: Path, error: BaseException) -> str:
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path.absolute()
    ]
    return f"{path}, line {lines[-1]}" if lines else str(path)


def _digest(tree: ast.Module) -> str:
    """Of the program text, so that comments, layout and the docstring may change."""
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    text = ast.unparse(ast.Module(body=body, type_ignores=[]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
