"""Hyperband beside 60 random trials without pruning on Fashion-MNIST: epochs until the same accuracy."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.harness import Options, Report, Row, Run, new_folder, python, say, side_of, timed

_WORKLOADS = Path(__file__).parent / "workloads"
_SEED = "seed=0"


def run(options: Options) -> Report:
    """The random trials take about eight minutes on two cores, Hyperband's about three; each seed again."""
    pairs = [_pair(seed, options) for seed in range(options.times(1))]
    shares = [needed / spent for needed, spent, _, _ in pairs]
    ours = side_of("hyperband", [Run(value=needed, accuracy=reached) for needed, _, reached, _ in pairs], "epochs")
    theirs = side_of(
        "60 unpruned random trials", [Run(value=all_, accuracy=best) for _, all_, _, best in pairs], "epochs"
    )
    row = Row(
        what="Hyperband on Fashion-MNIST, epochs until the best accuracy of 60 random trials",
        ours=ours,
        theirs=theirs,
        goal="≤ 1/3 of the epochs",
        met=max(shares) <= 1 / 3,
        reached=", ".join(f"{share:.2f}" for share in shares),
        notes=["Where the accuracy was not reached, the epochs are counted as infinitely many."],
    )
    return Report(rows=[row])


def _pair(seed: int, options: Options) -> tuple[float, float, float, float]:
    """Epochs until Hyperband was as good, all epochs of the random trials, and the accuracy of both."""
    random = _trials("random", seed, options)
    best = max(trial["value"] for trial in random if trial["value"] is not None)
    found = _trials("hyperband", seed, options)
    epochs, reached = 0, 0.0
    needed = float("inf")
    for trial in sorted(found, key=_ended):
        epochs += len(trial["history"])
        if trial["state"] == "complete":
            reached = max(reached, trial["value"])
        if reached >= best and needed == float("inf"):
            needed = float(epochs)
    spent = float(sum(len(trial["history"]) for trial in random))
    say(f"seed {seed}: random {best:.4f} in {spent:.0f} epochs, hyperband {reached:.4f}, as good after {needed:.0f}")
    return needed, spent, reached, best


def _ended(trial: dict[str, Any]) -> float:
    return datetime.fromisoformat(trial["started"]).timestamp() + float(trial["duration_s"] or 0.0)


def _trials(name: str, seed: int, options: Options) -> list[dict[str, Any]]:
    with new_folder() as folder:
        text = (_WORKLOADS / f"{name}.py").read_text(encoding="utf-8").replace(_SEED, f"seed={seed}")
        file = folder / f"{name}.py"
        file.write_text(text, encoding="utf-8")
        home = ["--home", str(folder / "home")]
        given: list[Any] = ["--trials", 4, "--epochs", 2] if options.smoke else []
        timed(python("hpstudy", "run", file, "--processes", 2, *home, *given))
        _, printed = timed(python("hpstudy", "export", name, "--format", "json", *home))
    found: list[dict[str, Any]] = json.loads(printed)
    return found
