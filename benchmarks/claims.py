"""Claim + report + finish at 1,000 and at 10,000 recorded trials, beside Optuna's own ask and tell."""

from __future__ import annotations

from benchmarks.claiming import rate, with_hpstudy, with_optuna
from benchmarks.filled import fill, search
from benchmarks.harness import Options, Report, Row, Run, interleaved
from benchmarks.servers import Copies, postgres
from hpstudy.storage import Store
from hpstudy.study.sampling import Sampler

_SAMPLERS: tuple[Sampler, ...] = ("random", "tpe")
PROCESSES = 4
GOAL = 0.8


def run(options: Options) -> Report:
    sizes = (50,) if options.smoke else (1_000, 10_000)
    with postgres() as server:
        rows = [
            _row(server, size, sampler, options)
            for sampler in (_SAMPLERS[:1] if options.smoke else _SAMPLERS)
            for size in sizes
        ]
    note = "Six factors; a trial has one report and one attribute on both sides. fsync is off on both sides."
    return Report(rows=rows, notes=[note])


def _row(server: object, size: int, sampler: Sampler, options: Options) -> Row:
    study = search(10 * size + 100_000, name="claims", sampler=sampler)
    copies = Copies(server, _filled(server, size, sampler))
    trials = 3 if options.smoke else 50 if sampler == "random" else 15

    def ours() -> Run:
        return Run(value=rate(with_hpstudy, copies.new(), study, PROCESSES, trials))

    def theirs() -> Run:
        return Run(value=rate(with_optuna, copies.new(), study, PROCESSES, trials))

    sides = interleaved({"hpstudy": ours, "Optuna's ask and tell": theirs}, options.times(3), unit="trials/s")
    ratio = sides["hpstudy"].median / sides["Optuna's ask and tell"].median
    return Row(
        what=f"claim + report + finish at {size:,} trials, {PROCESSES} processes, PostgreSQL, sampler {sampler}",
        ours=sides["hpstudy"],
        theirs=sides["Optuna's ask and tell"],
        goal=f"≥ {GOAL} × its rate",
        met=ratio >= GOAL,
        reached=f"{ratio:.2f} ×",
    )


def _filled(server: object, size: int, sampler: Sampler) -> str:
    url = str(server.new_database())  # type: ignore[attr-defined]
    store = Store(url)
    fill(store, search(10 * size + 100_000, name="claims", sampler=sampler), size)
    store.close()
    return url
