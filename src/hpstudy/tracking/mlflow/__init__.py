"""Trials become MLflow runs. The database is the truth; MLflow is made equal to it, again and again.

Importing this package does not import MLflow: that happens when a `Mirror` is first used.
"""

from hpstudy.errors import MirrorError
from hpstudy.tracking.mlflow.mirror import Mirror, SyncSummary
from hpstudy.tracking.mlflow.server import ui_command, ui_environment
from hpstudy.tracking.mlflow.thread import MirrorThread

__all__ = ["Mirror", "MirrorError", "MirrorThread", "SyncSummary", "ui_command", "ui_environment"]
