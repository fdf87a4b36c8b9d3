"""Trackers, which hold a copy of the trials. The database is the truth; a tracker is made equal to it again and again.

Importing this package does not import a tracker's libraries.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from hpstudy.errors import MirrorError
from hpstudy.settings import Settings
from hpstudy.tracking.thread import MirrorThread
from hpstudy.tracking.tracker import Model, StudyMirror, SyncSummary, Tracker

__all__ = ["MirrorError", "MirrorThread", "Model", "StudyMirror", "SyncSummary", "Tracker", "modules", "tracker_of"]

# Scheme of an address → tracker; the first one takes every other scheme. Each is a module or package of this room
# that has `open_tracker` and says what its libraries change in a process: VARIABLES of the environment, and LOGGERS
# that repeat what hpstudy says itself.
_TRACKERS = {"": "mlflow", "none": "none"}


def tracker_of(settings: Settings) -> Tracker:
    """The tracker at the address of the settings. It is not contacted yet."""
    scheme = settings.tracking_uri.partition(":")[0]
    tracker: Tracker = _module(_TRACKERS.get(scheme, _TRACKERS[""])).open_tracker(settings)
    return tracker


def modules() -> list[ModuleType]:
    """The module of every tracker."""
    return [_module(name) for name in _TRACKERS.values()]


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
