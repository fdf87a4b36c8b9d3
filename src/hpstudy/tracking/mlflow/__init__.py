"""MLflow, the tracker that ships: trials become its runs.

Importing this package does not import MLflow: that happens when MLflow is first used.
"""

from hpstudy.tracking.mlflow.connection import VARIABLES
from hpstudy.tracking.mlflow.mirror import Mirror
from hpstudy.tracking.mlflow.service import open_tracker

LOGGERS = ("mlflow",)

__all__ = ["LOGGERS", "VARIABLES", "Mirror", "open_tracker"]
