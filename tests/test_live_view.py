"""What a run shows while it trains."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from factories import make_study
from hpstudy import Choice, Grid, Int
from hpstudy.api.notes import Printer
from hpstudy.api.pace import Pace
from hpstudy.api.picture import Picture
from hpstudy.storage import Progress
from hpstudy.worker.messages import Claimed, Ended, EpochEnded


def test_compiling_does_not_count_for_the_trials_that_are_left() -> None:
    """Two processes; a program takes 6 s, an epoch 1 s; a grid of two structures with 3 x 2 cells."""
    study = make_study(
        vary={"optimizer": Choice("sgd", "adam"), "learning_rate": Choice(0.001, 0.01, 0.1)},
        base={"epochs": 3},
        design=Grid(replicates=4),
    )
    now = [0.0]
    pace = Pace(study, lambda: now[0])
    for trial in range(4):
        process, compiles = trial % 2, trial < 2
        now[0] = 0.0 if compiles else 9.0
        pace.hear(process, Claimed(trial=trial, params={"optimizer": "sgd", "learning_rate": 0.01}))
        assert pace.compiles(process) is compiles
        for epoch in (1, 2, 3):
            now[0] += 1 + 6 * (compiles and epoch == 1)
            pace.hear(process, EpochEnded(trial=trial, epoch=epoch))
        pace.hear(process, Ended(trial=trial, state="complete", value=0.5))

    left_s = pace.left_s(Progress(budget=24, complete=4, pruned=0, failed=0, running=0, lost=0, most=24))

    assert left_s == pytest.approx((20 * 3 + 6) / 2)


def test_a_live_picture_has_the_cells_so_far_in_35_lines(capsys: pytest.CaptureFixture[str]) -> None:
    study = make_study(vary={"units": Int(1, 60)}, base={"epochs": 3}, design=Grid(replicates=2))
    console = Console(width=100, force_terminal=False)
    drawn: list[Any] = []
    screen = SimpleNamespace(draw=drawn.append)
    handle: Any = SimpleNamespace(process=SimpleNamespace(pid=1))
    picture = Picture(study, screen, Printer())
    for trial in range(60):
        picture.hear(handle, Claimed(trial=trial, params={"units": trial + 1}))
        picture.hear(handle, Ended(trial=trial, state="complete", value=0.5 + trial / 1000))
    picture.tick(Progress(budget=120, complete=60, pruned=0, failed=0, running=0, lost=0, most=120), [], None, None)
    console.print(drawn[-1])

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 35
    first = lines[next(place for place, line in enumerate(lines) if line.startswith("so far")) + 1]
    assert first.split() == ["units=60", "0.5590", "1", "of", "2"]
    assert "each worse than these" in lines[-1]
