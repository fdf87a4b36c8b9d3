"""Hyperband beside 60 random trials without pruning on Fashion-MNIST: epochs until the same accuracy."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.harness import Options, Report, Row, Run, new_folder, python, say, side_of, timed

_WORKLOADS = Path(__file__).parent / "workloads"
_SEED = "seed=0"
_EPOCHS = (15, 27)  # of a trial that is not pruned: Hyperband saves more where trials are longer


def run(options: Options) -> Report:
    """About ten minutes a pair of 27 epochs on two cores, six of 15."""
    rows = [_row(epochs, options) for epochs in ((2,) if options.smoke else _EPOCHS)]
    note = "Epochs are counted in the order in which trials ended, until one was as good as the best random trial."
    return Report(rows=rows, notes=[f"{note} Where none was, they are infinitely many."])


def _row(epochs: int, options: Options) -> Row:
    pairs = [_pair(seed, epochs, options) for seed in range(options.times(2))]
    shares = [needed / spent for needed, spent, _, _ in pairs]
    ours = [Run(value=needed, accuracy=reached) for needed, _, reached, _ in pairs]
    theirs = [Run(value=spent, accuracy=best) for _, spent, _, best in pairs]
    return Row(
        what=f"Hyperband on Fashion-MNIST, {epochs} epochs a trial, until the best accuracy of 60 random trials",
        ours=side_of("hyperband", ours, "epochs"),
        theirs=side_of("60 unpruned random trials", theirs, "epochs"),
        goal="≤ 1/3 of the epochs",
        met=max(shares) <= 1 / 3,
        reached=", ".join(f"{share:.2f}" for share in shares) + " by seed",
    )


def _pair(seed: int, epochs: int, options: Options) -> tuple[float, float, float, float]:
    """Epochs until Hyperband was as good, all epochs of the random trials, and the accuracy of both."""
    random = _trials("random", seed, epochs, options)
    best = max(trial["value"] for trial in random if trial["value"] is not None)
    trained, reached, needed = 0, 0.0, float("inf")
    for trial in sorted(_trials("hyperband", seed, epochs, options), key=_ended):
        trained += len(trial["history"])
        if trial["state"] == "complete":
            reached = max(reached, trial["value"])
        if reached >= best and needed == float("inf"):
            needed = float(trained)
    spent = float(sum(len(trial["history"]) for trial in random))
    say(
        f"{epochs} epochs, seed {seed}: random {best:.4f} in {spent:.0f} epochs, "
        f"hyperband {reached:.4f} in {trained}, as good after {needed:.0f}"
    )
    return needed, spent, reached, best


def _ended(trial: dict[str, Any]) -> float:
    return datetime.fromisoformat(trial["started"]).timestamp() + float(trial["duration_s"] or 0.0)


def _trials(name: str, seed: int, epochs: int, options: Options) -> list[dict[str, Any]]:
    with new_folder() as folder:
        text = (_WORKLOADS / f"{name}.py").read_text(encoding="utf-8").replace(_SEED, f"seed={seed}")
        file = folder / f"{name}.py"
        file.write_text(text, encoding="utf-8")
        home = ["--home", str(folder / "home")]
        given: list[Any] = ["--epochs", epochs, *(["--trials", 4] if options.smoke else [])]
        timed(python("hpstudy", "run", file, "--processes", 2, *home, *given))
        _, printed = timed(python("hpstudy", "export", name, "--format", "json", *home))
    found: list[dict[str, Any]] = json.loads(printed)
    return found
