"""Honest hyperparameter studies of Keras networks.

A study file imports from here `Study`, `Grid`, `Adaptive`, `Search`, `Compare`, `Choice`, `Float`, `Int`,
`Objective`, `Published`, `Folds`, `Resample`, and for data of your own `Table`, `Arrays`, `Images`, `Texts`.
A program also calls `hpstudy.run(study)`, `hpstudy.open(name)` and their neighbours, which return a `Result`.
"""

TYPE_CHECKING = False  # as in `typing`, which would have to be imported
if TYPE_CHECKING:
    from hpstudy.api import Ranking as Ranking
    from hpstudy.api import Result as Result
    from hpstudy.api import analyse as analyse
    from hpstudy.api import delete as delete
    from hpstudy.api import open as open  # noqa: A004
    from hpstudy.api import run as run
    from hpstudy.api import run_all as run_all
    from hpstudy.api import studies as studies
    from hpstudy.api import submit as submit
    from hpstudy.api import submit_all as submit_all
    from hpstudy.study.arrays import Arrays, Images, Texts
    from hpstudy.study.designs import Adaptive, Compare, Grid, Search
    from hpstudy.study.domains import Choice, Float, Int
    from hpstudy.study.objective import Objective
    from hpstudy.study.published import Published
    from hpstudy.study.spec import Study
    from hpstudy.study.splits import Folds, Resample
    from hpstudy.study.table import Table

__version__ = "0.1.0"
__all__ = [  # without `open`: `from hpstudy import *` must not replace Python's own
    "Adaptive",
    "Arrays",
    "Choice",
    "Compare",
    "Float",
    "Folds",
    "Grid",
    "Images",
    "Int",
    "Objective",
    "Published",
    "Ranking",
    "Resample",
    "Result",
    "Search",
    "Study",
    "Table",
    "Texts",
    "__version__",
    "analyse",
    "delete",
    "run",
    "run_all",
    "studies",
    "submit",
    "submit_all",
]

_MODULES = {
    **dict.fromkeys(("Arrays", "Images", "Texts"), "study.arrays"),
    **dict.fromkeys(("Choice", "Float", "Int"), "study.domains"),
    **dict.fromkeys(("Adaptive", "Compare", "Grid", "Search"), "study.designs"),
    "Objective": "study.objective",
    "Published": "study.published",
    "Study": "study.spec",
    **dict.fromkeys(("Folds", "Resample"), "study.splits"),
    "Table": "study.table",
    **dict.fromkeys(
        ("Ranking", "Result", "analyse", "delete", "open", "run", "run_all", "studies", "submit", "submit_all"), "api"
    ),
}


def __getattr__(name: str) -> object:
    """Names are imported on first use: a study file needs only its vocabulary.

    Also, `python -m hpstudy` runs this file while the current folder comes before the standard library on the path: an
    import here could load a file from that folder. `__main__` removes the folder.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
