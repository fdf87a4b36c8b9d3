"""What a trial has produced so far, as its trainer process keeps it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hpstudy.records import Epoch
from hpstudy.settings import Settings
from hpstudy.training.rundir import RunDir
from hpstudy.worker.messages import Ended, EndState, EpochEnded, Pipe, Warned

if TYPE_CHECKING:
    from hpstudy.storage import Claim, Outcome
    from hpstudy.training.training import Training

BATCH_S = 0.3  # epochs that end within this time are written and told together; as much may a kill lose of a trial


class Attempt:
    """What a trial has produced so far: kept in memory and in its run directory, and reported to the supervisor."""

    def __init__(self, claim: Claim, settings: Settings, pipe: Pipe) -> None:
        self._study, self._number, self._pipe = claim.study_name, claim.number, pipe
        self._run_dir: RunDir | None = RunDir.of(settings.runs_dir, claim.study_name, claim.number)
        self._history: list[Epoch] = []
        self._written = 0  # epochs of the history that are in the journal
        self._written_s = time.monotonic()
        self.provenance: dict[str, str] = {}
        self.training: Training | None = None
        self._on_disk(self._run_dir.create)

    def add(self, epoch: Epoch, value: float | None) -> None:
        """Take an epoch and its objective. The journal and the supervisor get it with those that soon follow."""
        self._history.append(epoch)
        if time.monotonic() - self._written_s >= BATCH_S:
            self._write()
            self._pipe.send(EpochEnded(trial=self._number, epoch=epoch.number, value=value))

    def _write(self) -> None:
        epochs = self._history[self._written :]
        self._written, self._written_s = len(self._history), time.monotonic()
        if self._run_dir and epochs:
            self._on_disk(self._run_dir.append, epochs)

    def save_weights(self, training: Training) -> None:
        import numpy as np

        if self._run_dir:
            self._on_disk(np.savez, self._run_dir.weights, *training.weights)

    def outcome(self, **values: Any) -> Outcome:
        from hpstudy.storage import Outcome

        return Outcome(
            history=tuple(self._history), provenance=self.provenance, diagnostics=self._diagnostics(), **values
        )

    def failure(self, **values: Any) -> Outcome:
        """Like `outcome`, but for a network that may be broken: if so, without diagnostics."""
        from hpstudy.storage import Outcome

        seen = None
        with suppress(Exception):
            seen = self._diagnostics()
        return Outcome(history=tuple(self._history), provenance=self.provenance, diagnostics=seen, **values)

    def _diagnostics(self) -> str | None:
        seen = self.training.diagnostics() if self.training else None
        return seen.to_text() if seen else None

    def ended(self, state: EndState, error: str = "", **values: Any) -> None:
        self._write()
        self._pipe.send(Ended(study=self._study, trial=self._number, state=state, error=error, **values))

    def _on_disk(self, write: Callable[..., None], *arguments: Any) -> None:
        """Write to disk if possible. A full disk must not end a trial, whose record is in the database anyway."""
        try:
            write(*arguments)
        except OSError as error:
            where = self._run_dir.path if self._run_dir else "?"
            text = (
                f"The run directory {where} cannot be written ({error.strerror}). Training continues, and the "
                "database keeps the results; the trial's weights are not kept. Free some space."
            )
            self._pipe.send(Warned(text=text))
            self._run_dir = None
