"""The face of hpstudy for programs: `hpstudy.run` and its neighbours. The command line is built on it, too.

Importing this package loads no heavy library.
"""

from hpstudy.api.analysing import Ranking, analyse
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
