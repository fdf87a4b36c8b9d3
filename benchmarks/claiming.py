"""Processes that take trials, report and finish them, without training: by hpstudy and by Optuna alone."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from hpstudy.study.spec import Study

_START_S = 120.0  # until every process is ready
_barrier: Any = None


def rate(work: Callable[[str, str, int], list[float]], url: str, study: Study, processes: int, trials: int) -> float:
    """Trials a second of so many processes together, which begin at the same moment.

    Args:
        work: `with_hpstudy` or `with_optuna`.
        trials: Of each process.
    """
    return _run(work, url, study, processes, trials)[0]


def latency_ms(url: str, study: Study, processes: int, trials: int) -> float:
    """The median time of one claim of hpstudy, while so many processes claim."""
    return 1000 * statistics.median(_run(with_hpstudy, url, study, processes, trials)[1])


def _run(
    work: Callable[[str, str, int], list[float]], url: str, study: Study, processes: int, trials: int
) -> tuple[float, list[float]]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, initializer=_set_barrier, initargs=(barrier,)) as pool:
        futures = [pool.submit(_timed, work, url, study.to_json(), trials) for _ in range(processes)]
        found = [future.result() for future in futures]
    seconds = max(end for _, end, _ in found) - min(begin for begin, _, _ in found)
    return processes * trials / seconds, [claim for _, _, claims in found for claim in claims]


def _set_barrier(barrier: Any) -> None:
    global _barrier  # noqa: PLW0603 - how a pool hands out what cannot be pickled
    _barrier = barrier


def _timed(
    work: Callable[[str, str, int], list[float]], url: str, study: str, trials: int
) -> tuple[float, float, list[float]]:
    work(url, study, 1)  # connect, import and read what is recorded: not what is measured
    _barrier.wait(_START_S)
    begun = time.time()
    claims = work(url, study, trials)
    return begun, time.time(), claims


_opened: dict[str, Any] = {}


def with_hpstudy(url: str, declaration: str, trials: int) -> list[float]:
    """Claim, one report, finish. Returns the seconds of each claim."""
    from hpstudy.owner import Owner
    from hpstudy.records import Epoch
    from hpstudy.storage import Outcome, Store, StudyQueue

    study = Study.from_json(declaration)
    if "queue" not in _opened:
        _opened["queue"] = Store(url).open(study.name)
    queue: StudyQueue = _opened["queue"]
    seconds = []
    for _ in range(trials):
        begun = time.perf_counter()
        claim = queue.claims.claim(Owner.of_process())
        seconds.append(time.perf_counter() - begun)
        assert claim
        epoch = Epoch(number=1, at=time.time(), metrics={"loss": 1.0, "val_accuracy": 0.5})
        claim.report(epoch)
        claim.complete(Outcome(metrics=epoch.metrics, history=[epoch], device="a CPU"))
    return seconds


def with_optuna(url: str, declaration: str, trials: int) -> list[float]:
    """Ask, one report, tell, with the same parameters from the same sampler, by Optuna's own storage."""
    import optuna

    from hpstudy.storage.samplers import Seeds, make_sampler, suggest

    study = Study.from_json(declaration)
    if "study" not in _opened:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        storage = optuna.storages.RDBStorage(url.replace("postgresql://", "postgresql+psycopg://"))
        sampler = make_sampler(study, Seeds.of_trial(study, multiprocessing.current_process().pid or 0))
        _opened["study"] = optuna.load_study(study_name=study.name, storage=storage, sampler=sampler)
    seconds = []
    for _ in range(trials):
        begun = time.perf_counter()
        trial = _opened["study"].ask()
        suggest(study.vary, trial, {})
        seconds.append(time.perf_counter() - begun)
        trial.report(0.5, 1)
        trial.set_user_attr("history", [{"epoch": 1, "loss": 1.0, "val_accuracy": 0.5}])
        _opened["study"].tell(trial, 0.5)
    return seconds
