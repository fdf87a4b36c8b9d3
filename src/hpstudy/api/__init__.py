"""The face of hpstudy for programs: what `hpstudy.run` and its neighbours do, and what the command line is written on.

Importing this package loads no heavy library.
"""

from hpstudy.api.face import Comparison, compare, delete, is_stopped, open, run, run_all, studies, submit, submit_all
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
    "Result",
    "Where",
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
