"""Honest hyperparameter studies of Keras networks.

A study file imports its words from here: `Study`, `Grid`, `Search`, `Choice`, `Float`, `Int`, `Objective`, `Published`.
"""

from hpstudy.study.domains import Choice, Float, Int
from hpstudy.study.published import Published
from hpstudy.study.spec import Grid, Objective, Search, Study

__version__ = "0.1.0"
__all__ = ["Choice", "Float", "Grid", "Int", "Objective", "Published", "Search", "Study", "__version__"]
