"""The face of hpstudy for programs: `hpstudy.run` and its neighbours. The command line is built on it, too.

Names are imported on first use, so that `hpstudy --help`, which looks at every command, loads none of what they do.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpstudy.api.analysing import Ranking, analyse
    from hpstudy.api.face import (
        Comparison,
        compare,
        delete,
        is_stopped,
        open,
        run,
        run_all,
        studies,
        submit,
        submit_all,
    )
    from hpstudy.api.notes import Notifier
    from hpstudy.api.result import Result
    from hpstudy.api.where import Options, Where, settings_of
    from hpstudy.records import Baselines, Evaluation

__all__ = [
    "Baselines",
    "Comparison",
    "Evaluation",
    "Notifier",
    "Options",
    "Ranking",
    "Result",
    "Where",
    "analyse",
    "compare",
    "delete",
    "is_stopped",
    "open",
    "run",
    "run_all",
    "settings_of",
    "studies",
    "submit",
    "submit_all",
]

_MODULES = {
    **dict.fromkeys(("Ranking", "analyse"), "api.analysing"),
    **dict.fromkeys(("Comparison", "compare", "delete", "is_stopped", "open"), "api.face"),
    **dict.fromkeys(("run", "run_all", "studies", "submit", "submit_all"), "api.face"),
    "Notifier": "api.notes",
    "Result": "api.result",
    **dict.fromkeys(("Options", "Where", "settings_of"), "api.where"),
    **dict.fromkeys(("Baselines", "Evaluation"), "records"),
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(f"hpstudy.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
