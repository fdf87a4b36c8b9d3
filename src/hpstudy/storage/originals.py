"""Which trial has already trained a configuration that a search proposes again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from hpstudy.records import TrialRecord
from hpstudy.storage.conversion import START, record_of
from hpstudy.storage.database import Database
from hpstudy.storage.ledger import Ledger, chunks
from hpstudy.storage.reading import read_attributes, read_params
from hpstudy.study import factors
from hpstudy.study.factors import Level


class Originals:
    """The complete and pruned trials of a study by their levels, each read once. Thread-safe."""

    def __init__(self, database: Database, study_id: int, ledger: Ledger) -> None:
        self._database, self._study_id, self._ledger = database, study_id, ledger
        self._lock = threading.Lock()
        self._read = 0  # how many of them were read
        # by the key of the levels and the seed: a trial's id, is it complete
        self._ids: dict[tuple[str, int], tuple[int, bool]] = {}

    def find(self, params: Mapping[str, Level], seed: int) -> TrialRecord | None:
        """A trial that was trained with exactly these levels and this seed: a complete one, else the last one that was
        pruned.
        """
        with self._lock:
            self._read_on()
            found = self._ids.get((factors.key(params), seed))
        record = self._record(found[0]) if found else None
        if record is None or record.repeats is None:
            return record
        return self._record(self._database.rdb.get_trial_id_from_study_id_trial_number(self._study_id, record.repeats))

    def _read_on(self) -> None:
        self._ledger.read()
        new = self._ledger.trained(self._read)
        levels: dict[int, dict[str, Level]] = {}
        starts: dict[int, dict[str, Any]] = {}
        with self._database.rdb.engine.connect() as connection:
            for some in chunks([trial_id for trial_id, _ in new]):
                levels |= read_params(connection, some)
                starts |= read_attributes(connection, some, START)
        for trial_id, is_complete in new:
            key = (factors.key(levels.get(trial_id, {})), starts.get(trial_id, {}).get("seed", 0))
            if key not in self._ids or not self._ids[key][1]:  # a trial that was pruned later has more epochs
                self._ids[key] = (trial_id, is_complete)
        self._read += len(new)

    def _record(self, trial_id: int) -> TrialRecord | None:
        return record_of(self._database.rdb.get_trial(trial_id))
