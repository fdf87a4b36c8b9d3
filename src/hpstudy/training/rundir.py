"""The run directory of a trial: its journal, which is written before anything is sent, and its weights."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpstudy.records import Epoch

_JOURNAL = "events.jsonl"
_WEIGHTS = "weights.npz"


@dataclass(frozen=True)
class RunDir:
    """The files of one trial on the machine that trains it."""

    path: Path

    @classmethod
    def of(cls, runs_dir: Path, study: str, trial: int) -> RunDir:
        return cls(runs_dir / study / f"{trial:05d}")

    @property
    def weights(self) -> Path:
        """The trained weights: arrays arr_0, arr_1, … in the order of `network.variables`."""
        return self.path / _WEIGHTS

    def weights_bytes(self) -> int:
        """The size of the weights; 0 if there are none."""
        try:
            return self.weights.stat().st_size
        except OSError:
            return 0

    def create(self) -> None:
        """Create the folder, and remove what an earlier study of the same name left there."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name in (_JOURNAL, _WEIGHTS):
            (self.path / name).unlink(missing_ok=True)

    def append(self, epochs: Sequence[Epoch]) -> None:
        """Append a line for each to the journal. A killed process leaves at most one incomplete last line."""
        with (self.path / _JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write("".join(json.dumps(epoch.to_json()) + "\n" for epoch in epochs))

    def epochs(self) -> list[Epoch]:
        """The epochs in the journal, without an incomplete last line. Empty if there is no journal."""
        return list(self._read())

    def _read(self) -> Iterator[Epoch]:
        try:
            lines = (self.path / _JOURNAL).read_text(encoding="utf-8").splitlines(keepends=True)
        except OSError:
            return
        for line in lines:
            if line.endswith("\n"):
                yield Epoch.from_json(json.loads(line))


def trials_with_weights(runs_dir: Path, study: str) -> dict[int, RunDir]:
    """The run directories of a study that hold weights, by trial number."""
    found = (runs_dir / study).glob(f"*/{_WEIGHTS}")
    return {int(file.parent.name): RunDir(file.parent) for file in found}


def forget_weights(runs_dir: Path, study: str, kept: Container[int]) -> None:
    """Delete the weights of all trials of a study except these."""
    for number, run_dir in trials_with_weights(runs_dir, study).items():
        if number not in kept:
            run_dir.weights.unlink(missing_ok=True)
