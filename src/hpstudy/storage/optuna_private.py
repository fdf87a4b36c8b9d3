"""All that hpstudy knows of Optuna's private parts. A version that renames one of them fails here, at import.

The tables are Optuna's interface to its own other tools, and change with a migration; the rest may change at any time.
What `FencedStorage` overrides is marked there with `override`, which the type checker compares with the installed
version.
"""

from __future__ import annotations

from optuna.storages._cached_storage import _CachedStorage as CachedStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session as session_scope
from optuna.trial import FrozenTrial, Trial

__all__ = ["CachedStorage", "id_of", "models", "note_value", "session_scope"]


def id_of(trial: FrozenTrial | Trial) -> int:
    """The key of a trial in the database; its number counts within its study."""
    return trial._trial_id


def note_value(trial: Trial, step: int, value: float) -> None:
    """Let a pruner see an intermediate value that is written to the database later."""
    trial._cached_frozen_trial.intermediate_values[step] = value
