"""Honest hyperparameter studies of Keras networks.

A study file imports its words from here: `Study`, `Grid`, `Search`, `Choice`, `Float`, `Int`, `Objective`, `Published`.
"""

TYPE_CHECKING = False  # as in `typing`, which would be an import
if TYPE_CHECKING:
    from hpstudy.study.domains import Choice, Float, Int
    from hpstudy.study.published import Published
    from hpstudy.study.spec import Grid, Objective, Search, Study

__version__ = "0.1.0"
__all__ = ["Choice", "Float", "Grid", "Int", "Objective", "Published", "Search", "Study", "__version__"]

_MODULES = {
    **dict.fromkeys(("Choice", "Float", "Int"), "domains"),
    **dict.fromkeys(("Grid", "Objective", "Search", "Study"), "spec"),
    "Published": "published",
}


def __getattr__(name: str) -> object:
    """Words are imported when they are first asked for.

    `python -m hpstudy` runs this file while the current folder stands before the standard library: what was imported
    here could come from there. `__main__` takes the folder away.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    word: object = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = word
    return word
