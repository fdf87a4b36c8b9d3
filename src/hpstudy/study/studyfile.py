"""From a path to studies: the file is Python, and defines `study` or several as `studies = (…)`."""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from hpstudy.errors import HpstudyError, UserError, closed, reason
from hpstudy.study.neighbours import Neighbours
from hpstudy.study.own import Loader, Own
from hpstudy.study.spec import Study

_NAMED = {  # class → how its arguments are given
    "Grid": "Grid(replicates=3)",
    "Search": "Search(trials=20)",
    "Compare": "Compare(trials=10)",
    "Study": 'Study(name="mine", …)',
}
_UNNAMED = re.compile(rf"({'|'.join(_NAMED)})\.__init__\(\) takes 1 positional argument")
MODULE_PREFIX = "_hpstudy_file_"  # prefix of the name under which a study file is imported


@dataclass(frozen=True, kw_only=True)
class StudyFile:
    """A study and the file that defines it."""

    path: Path
    source: str
    study: Study
    build: Callable[..., Any] | None  # build(config, input_shape, outputs) -> keras.Model; its folder is importable


def load(path: Path) -> StudyFile:
    """Run a study file and take its one Study.

    Raises:
        UserError: the file is missing, is not Python, raises, defines no study or several, or a wrong one.
    """
    files = load_all(path)
    if len(files) > 1:
        names = ", ".join(file.study.name for file in files)
        raise UserError(f"{path} defines {len(files)} studies ({names}), but one is expected here. Name one of them.")
    return files[0]


def load_all(path: Path) -> tuple[StudyFile, ...]:
    """Run a study file and take every Study in it, in the order of the file.

    Raises:
        UserError: the file is missing, is not Python, raises, defines no study, or a wrong one.
    """
    source = _read(path)
    tree, code = _parse(path, source)
    module, neighbours = _module(path), Neighbours.of(path)
    _execute(path, code, module, neighbours)
    studies = _studies(path, module)
    build = _function(path, module, "build", "build(config, input_shape, outputs)")
    load = _function(path, module, "load", "load(), which returns the rows of the dataset")
    if build is not None and len(studies) > 1:
        raise UserError(f"{path} has a `build` function for {len(studies)} studies. Put each into a separate file.")
    question = " ".join((ast.get_docstring(tree) or "").split())
    network_digest = _digest(tree) if build else ""
    build = _at_home(build, module, neighbours) if build else None
    loader = Loader(call=_at_home(load, module, neighbours), code=_digest(tree)) if load else None
    return tuple(
        StudyFile(
            path=path,
            source=source,
            study=_completed(path, study, loader, question=question, network_digest=network_digest),
            build=build,
        )
        for study in studies
    )


def _function(path: Path, module: ModuleType, name: str, call: str) -> Callable[..., Any] | None:
    found: Callable[..., Any] | None = getattr(module, name, None)
    if found is not None and not callable(found):
        raise UserError(f"{path}: `{name}` must be a function {call}; it is {found!r}.")
    return found


def _studies(path: Path, module: ModuleType) -> list[Study]:
    several = getattr(module, "studies", ())
    if not isinstance(several, tuple | list) or not all(isinstance(study, Study) for study in several):
        raise UserError(f"{path}: `studies` must be a tuple such as (Study(…), Study(…)); it is {several!r}.")
    found = list(
        {id(value): value for value in (*several, *vars(module).values()) if isinstance(value, Study)}.values()
    )
    names = [study.name for study in found]
    if not found or len(found) > max(len(several), 1):
        raise UserError(
            f"{path} must define one Study, or several as studies = (Study(…), …); it has {len(found)} "
            f"({', '.join(names) or 'none'}). `hpstudy init NAME` writes a file to begin with."
        )
    if len(set(names)) < len(names):
        raise UserError(
            f"{path} has a study name twice: {', '.join(names)}. Results are kept under the name of the study."
        )
    return found


def _completed(path: Path, study: Study, loader: Loader | None, *, question: str, network_digest: str) -> Study:
    try:
        dataset = study.dataset
        if isinstance(dataset, Own):
            dataset = dataset.at_home(path.absolute().parent, loader)
        return dataclasses.replace(
            study, dataset=dataset, question=study.question or question, network_digest=network_digest
        ).check_factors()
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = sorted(str(other) for other in path.parent.glob("*.py")) if path.parent.is_dir() else []
        hint = f" Files there: {', '.join(near)}." if near else ""
        if (meant := f"{path}.py") in near:
            raise UserError(f"There is no study file {path}. Did you mean {meant}?") from None
        raise UserError(f"There is no study file {path}.{hint} `hpstudy init NAME` writes a new one.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder; expected a study file such as {path}/optimizers.py.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file in UTF-8, so it is not a Python study file.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None


def _parse(path: Path, source: str) -> tuple[ast.Module, CodeType]:
    try:
        tree = ast.parse(source, filename=str(path))
        return tree, compile(tree, str(path.absolute()), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path}, line {line}" if line else str(path)
        raise UserError(f"{where}: this is not Python: {getattr(error, 'msg', error)}.") from error


def _module(path: Path) -> ModuleType:
    """A module for the file. Its name belongs to this file only, and is the same in every process."""
    file = str(path.absolute())
    name = f"{MODULE_PREFIX}{hashlib.sha256(os.fsencode(file)).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, file, loader=SourceFileLoader(name, file))
    assert spec is not None
    return importlib.util.module_from_spec(spec)


def _execute(path: Path, code: CodeType, module: ModuleType, neighbours: Neighbours) -> None:
    """Run the file as an import does: dataclasses, pickle and type hints look for their module in `sys.modules`."""
    before = sys.modules.get(module.__name__)
    try:
        _enter(module, neighbours)
        exec(code, vars(module))
    except BaseException as error:
        sys.modules.pop(module.__name__, None)
        if before:
            sys.modules[module.__name__] = before
        if isinstance(error, HpstudyError):
            raise UserError(f"{_place(path, error)}: {error}") from error
        if isinstance(error, TypeError) and (unnamed := _UNNAMED.match(str(error))):
            name = unnamed[1]
            raise UserError(
                f"{_place(path, error)}: {name}(…) takes its arguments by name only, as in {_NAMED[name]}."
            ) from error
        if isinstance(error, Exception | SystemExit):
            raise UserError(
                f"{_place(path, error)}: the study file raised {closed(reason(error))} "
                "It should only declare a study; run it with --debug to see the traceback."
            ) from error
        raise


def _enter(module: ModuleType, neighbours: Neighbours) -> None:
    sys.modules[module.__name__] = module  # before the neighbours are entered, because it is none of them
    neighbours.enter()


def _at_home(function: Callable[..., Any], module: ModuleType, neighbours: Neighbours) -> Callable[..., Any]:
    """The same function, which finds its imports whenever it is called."""

    @functools.wraps(function, updated=())
    def called_at_home(*arguments: Any, **named: Any) -> Any:
        _enter(module, neighbours)
        return function(*arguments, **named)

    return called_at_home


def _place(path: Path, error: BaseException) -> str:
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path.absolute()
    ]
    return f"{path}, line {lines[-1]}" if lines else str(path)


def _digest(tree: ast.Module) -> str:
    """A digest of the code. Comments, layout and the docstring do not count."""
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    text = ast.unparse(ast.Module(body=body, type_ignores=[]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
