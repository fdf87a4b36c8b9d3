"""Honest hyperparameter studies of Keras networks.

A study file imports its words from here: `Study`, `Grid`, `Search`, `Choice`, `Float`, `Int`, `Objective`, `Published`.
A program also calls `hpstudy.run(study)`, `hpstudy.open(name)` and their neighbours, which give a `Result`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpstudy.study.domains import Choice, Float, Int
from hpstudy.study.published import Published
from hpstudy.study.spec import Grid, Objective, Search, Study

if TYPE_CHECKING:
    from hpstudy.api import Result as Result
    from hpstudy.api import delete as delete
    from hpstudy.api import open as open  # noqa: A004
    from hpstudy.api import run as run
    from hpstudy.api import run_all as run_all
    from hpstudy.api import studies as studies
    from hpstudy.api import submit as submit
    from hpstudy.api import submit_all as submit_all

__version__ = "0.1.0"
__all__ = [  # `hpstudy.open` is not here: `from hpstudy import *` must not replace Python's own
    "Choice",
    "Float",
    "Grid",
    "Int",
    "Objective",
    "Published",
    "Result",
    "Search",
    "Study",
    "__version__",
    "delete",
    "run",
    "run_all",
    "studies",
    "submit",
    "submit_all",
]
_FACE = ("Result", "delete", "open", "run", "run_all", "studies", "submit", "submit_all")


def __getattr__(name: str) -> object:
    """The face is loaded when it is first used: a study file needs its words only."""
    if name not in _FACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hpstudy import api

    value: object = getattr(api, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FACE})
