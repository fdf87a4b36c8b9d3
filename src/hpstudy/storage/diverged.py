"""How many trials of a study diverged: of those only that ended since the last time it is asked."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from hpstudy.storage.conversion import RESULT
from hpstudy.storage.database import Database
from hpstudy.storage.ledger import Ledger, chunks
from hpstudy.storage.optuna_private import models

_SAID = models.TrialUserAttributeModel
_BEGINNING = (
    '{"diverged": '  # of such a trial's result: `Outcome` has this key first, so that no history is looked through
)
_COUNT = sa.select(sa.func.count()).where(
    _SAID.trial_id.in_(sa.bindparam("trials", expanding=True)),
    _SAID.key == RESULT,
    sa.func.substr(_SAID.value_json, 1, len(_BEGINNING)) == _BEGINNING,
)


class Diverged:
    """Counts the diverged trials of one study. Safe to use from several threads."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger
        self._lock = threading.Lock()
        self._seen = self._found = 0  # trials

    def count(self) -> int:
        """Among the trials that the ledger has read."""
        with self._lock:
            new = self._ledger.trained(self._seen)
            complete = [trial_id for trial_id, is_complete in new if is_complete]
            if complete:
                with self._database.rdb.engine.connect() as connection:
                    self._found += sum(
                        connection.execute(_COUNT, {"trials": some}).scalar_one() for some in chunks(complete)
                    )
            self._seen += len(new)
            return self._found
