"""Honest hyperparameter studies of Keras networks.

A study file imports its words from here: `Study`, `Grid`, `Search`, `Compare`, `Choice`, `Float`, `Int`, `Objective`,
`Published`.
A program also calls `hpstudy.run(study)`, `hpstudy.open(name)` and their neighbours, which give a `Result`.
"""

TYPE_CHECKING = False  # as in `typing`, which would be an import
if TYPE_CHECKING:
    from hpstudy.api import Result as Result
    from hpstudy.api import delete as delete
    from hpstudy.api import open as open  # noqa: A004
    from hpstudy.api import run as run
    from hpstudy.api import run_all as run_all
    from hpstudy.api import studies as studies
    from hpstudy.api import submit as submit
    from hpstudy.api import submit_all as submit_all
    from hpstudy.study.designs import Compare, Grid, Search
    from hpstudy.study.domains import Choice, Float, Int
    from hpstudy.study.objective import Objective
    from hpstudy.study.published import Published
    from hpstudy.study.spec import Study

__version__ = "0.1.0"
__all__ = [  # `hpstudy.open` is not here: `from hpstudy import *` must not replace Python's own
    "Choice",
    "Compare",
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

_MODULES = {
    **dict.fromkeys(("Choice", "Float", "Int"), "study.domains"),
    **dict.fromkeys(("Compare", "Grid", "Search"), "study.designs"),
    "Objective": "study.objective",
    "Published": "study.published",
    "Study": "study.spec",
    **dict.fromkeys(("Result", "delete", "open", "run", "run_all", "studies", "submit", "submit_all"), "api"),
}


def __getattr__(name: str) -> object:
    """Names are imported when they are first asked for: a study file needs its words only.

    And `python -m hpstudy` runs this file while the current folder stands before the standard library: what was
    imported here could come from there. `__main__` takes the folder away.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
