"""A declaration, or a file of declarations, becomes the studies to run."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from hpstudy.api.where import Options, settings_of
from hpstudy.errors import UserError
from hpstudy.study import overrides
from hpstudy.study.own import Loader, Own
from hpstudy.study.spec import Study
from hpstudy.study.studyfile import MODULE_PREFIX, StudyFile, load_all

_TO_A_FILE = (
    "Trainer processes read such a function from a file. Write the study and its `build` into one, in a notebook with "
    '`%%writefile NAME.py` as the first line of the cell, and run that file: hpstudy.run("NAME.py").'
)


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A study, and what is known of the file that declares it."""

    study: Study
    source: str | None = None  # the text of its file; None: the calling program declared it
    file: Path | None = None  # absolute; where trainer processes find its `build` function; None: no `build`
    is_quick: bool = False  # a first taste, which leaves the test split alone


def declared(study: Study | str | PathLike[str], options: Options) -> list[Declared]:
    """The study, or the studies of the file, with the changes that the options ask for.

    Raises:
        UserError: something in the declaration or the file is wrong, an option does not fit the design, or a `build`
            function is defined where trainer processes cannot find it.
    """
    caller = _caller()
    if str(caller.get("__name__", "")).startswith(MODULE_PREFIX):
        raise UserError(
            "A study file is read by every trainer process, so it must not run studies. Put the call below "
            '`if __name__ == "__main__":`.'
        )
    found = [_of_program(study, caller)] if isinstance(study, Study) else list(map(_of_file, load_all(Path(study))))
    is_quick = bool(options.get("quick"))
    return [dataclasses.replace(one, study=_changed(one.study, options), is_quick=is_quick) for one in found]


def _of_file(file: StudyFile) -> Declared:
    return Declared(study=file.study, source=file.source, file=file.path.absolute() if file.build else None)


def _of_program(study: Study, caller: Mapping[str, Any]) -> Declared:
    if study.network_digest:
        raise UserError(
            f'Study {study.name!r} builds its own network, so pass its file instead: hpstudy.run("STUDY.py"). '
            "Code is never loaded from the database."
        )
    if _is_build(caller.get("build")):
        raise UserError(
            f"A function build(config, input_shape, outputs) is defined where study {study.name!r} is run. "
            f"{_TO_A_FILE} If it has nothing to do with the study, give it another name."
        )
    if isinstance(study.dataset, Own) and study.dataset.loads and callable(load := caller.get("load")):
        study = dataclasses.replace(study, dataset=study.dataset.at_home(Path.cwd(), Loader(call=load, code="")))
    try:
        return Declared(study=study.check_factors())
    except UserError as error:
        raise UserError(f"{error} {_TO_A_FILE}") from None


def _changed(study: Study, options: Options) -> Study:
    if isinstance(study.dataset, Own):
        from hpstudy import data

        study = study.on(data.resolved(study.dataset, settings_of(options)))
    study = overrides.quick(study) if options.get("quick") else study
    changes = {name: options.get(name) for name in ("trials", "replicates", "epochs")}
    return overrides.override(study, **changes)  # type: ignore[arg-type]


def _caller() -> Mapping[str, Any]:
    """The variables of the module, or of the notebook, that called hpstudy."""
    frame = inspect.currentframe()
    while frame and str(frame.f_globals.get("__name__", "")).partition(".")[0] in ("hpstudy", "contextlib"):
        frame = frame.f_back
    return frame.f_globals if frame else vars(sys.modules["__main__"])


def _is_build(value: object) -> bool:
    if not inspect.isroutine(value):
        return False
    try:
        signature = inspect.signature(value)
        named = {name: "linear" for name in signature.parameters if name == "output_activation"}
        signature.bind("config", "input_shape", "outputs", **named)
    except (TypeError, ValueError):
        return False
    return True
