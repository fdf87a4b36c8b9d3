"""Numbers and choices: what follows from the trials of a study, or from results of any tool. Knows no output.

`rank` is for programs: it takes a data frame of results, whoever made them.
"""

TYPE_CHECKING = False  # as in `typing`, which would be an import
if TYPE_CHECKING:
    from hpstudy.analysis.results import rank as rank

__all__ = ["rank"]


def __getattr__(name: str) -> object:
    """`rank` is imported when it is first asked for: the command line imports this room at its start."""
    if name != "rank":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    rank: object = import_module(f"{__name__}.results").rank
    return rank
