"""The findings of a search, in sentences that are made from its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from hpstudy.analysis.analyse import Analysis
from hpstudy.analysis.best import confirmations_of_best
from hpstudy.analysis.search import MIN_TRIALS, SearchResult
from hpstudy.report import texts
from hpstudy.report.grid.findings import AFTER_QUICK, trouble
from hpstudy.report.inside.sections import inside_findings
from hpstudy.study.overrides import QUICK
from hpstudy.study.spec import Study

_ENOUGH = 100  # trials for a stable ranking of factors
_TELLING = 3  # factors that the sentence about importance names


def search_findings(analysis: Analysis, search: SearchResult) -> tuple[list[str], list[str]]:
    """The answer in a few lines, and the rest."""
    found = [*_best(analysis, search), *_finalists(analysis), *_next_steps(analysis.study, search)]
    details = list(_importance(search))
    details += list(_course(analysis, search))
    details += list(_pruning(search))
    details += list(_repeats(analysis))
    details += inside_findings(analysis)
    if analysis.overview.complete:
        return found, [*details, *trouble(analysis.overview)]
    return [*found, *trouble(analysis.overview)], details


def _best(analysis: Analysis, search: SearchResult) -> Iterator[str]:
    study = analysis.study
    if not search.complete:
        return
    if len(study.objectives) > 1:
        metrics = texts.listed([objective.metric for objective in study.objectives])
        yield (
            f"{texts.counted(len(search.front), 'trial')} of {len(search.complete)} form the Pareto front of "
            f"{metrics}: no other trial is better in one of them without being worse in another."
        )
        return
    best = search.complete[0]
    metric = study.objectives[0].metric
    where = texts.params(analysis.texts, best.params)
    text = f"The best trial is {best.number}: {metric} {texts.number(best.value)} with {where}."
    others = [record for record in search.trained if record.number not in (best.number, best.repeats)]
    if others:
        second = others[0]
        text += f" The second, trial {second.number}, reached {texts.number(second.value)}."
    yield text + " Each is one training with one seed: differences as small as those between seeds mean nothing."


def _finalists(analysis: Analysis) -> Iterator[str]:
    """The one that its confirmations chose."""
    study = analysis.study
    chosen = confirmations_of_best(study, analysis.records)
    origin = next((record for record in analysis.records if chosen and record.number == chosen[0].confirms), None)
    if origin is None:
        return
    mean = fmean(record.value for record in chosen if record.value is not None)
    seeds, where = texts.counted(len(chosen), "fresh seed"), texts.params(analysis.texts, origin.params)
    yield (
        f"Of the finalists trial {origin.number} is chosen: trained again, {where} has the best mean "
        f"{study.objectives[0].metric}, {texts.number(mean)} over {seeds}. In the search it had "
        f"{texts.number(origin.value)}, a score that made it a finalist and is therefore lucky."
    )


def _importance(search: SearchResult) -> Iterator[str]:
    if not search.importances:
        if search.complete:
            yield (
                f"Which factors matter cannot be said from {texts.counted(len(search.complete), 'complete trial')}: "
                f"that takes {MIN_TRIALS}, with different values."
            )
        return
    top = [f"{one.factor} ({texts.percent(one.ped_anova or 0.0)})" for one in search.importances[:_TELLING]]
    rough = f", a rough estimate from {len(search.complete)} trials" if len(search.complete) < _ENOUGH else ""
    text = f"To be among the best trials it matters most to choose {texts.listed(top)} well (PED-ANOVA{rough})."
    by_variance = max(search.importances, key=lambda one: one.fanova or 0.0)
    if by_variance.fanova and by_variance.factor != search.importances[0].factor:
        text += (
            f" Over the whole range {by_variance.factor} moves the result most "
            f"({texts.percent(by_variance.fanova)} of the variance, fANOVA)."
        )
    yield text


def _course(analysis: Analysis, search: SearchResult) -> Iterator[str]:
    if len(search.complete) < MIN_TRIALS or len(analysis.study.objectives) > 1:
        return
    last = search.best_so_far[-1][0]
    since = max(record.number for record in analysis.records) - last
    if since == 0:
        yield "The very last trial was the best one: the search has not settled, and more trials may do better."
    else:
        yield f"The best trial was followed by {since} that were not better."


def _pruning(search: SearchResult) -> Iterator[str]:
    if search.saving:
        saving = search.saving
        yield (
            f"Pruning ended {texts.counted(saving.trials, 'trial')} early and saved "
            f"{texts.counted(saving.epochs, 'epoch')} ({texts.percent(saving.share)} of theirs), "
            f"about {texts.duration(saving.seconds)} of training."
        )


def _repeats(analysis: Analysis) -> Iterator[str]:
    seen = analysis.overview
    if seen.repeats:
        verbs = ("repeats", "was") if seen.repeats == 1 else ("repeat", "were")
        yield (
            f"{seen.repeats} of {texts.counted(seen.ended, 'trial')} {verbs[0]} an earlier configuration and "
            f"{verbs[1]} not trained again."
        )


def _next_steps(study: Study, search: SearchResult) -> Iterator[str]:
    for edge in search.edges:
        yield (
            f"The best {edge.factor}, {edge.level}, lies at the {edge.end} end of its range: "
            "a wider range may hold better ones."
        )
    if search.complete and study.name.endswith(QUICK):
        yield AFTER_QUICK
    elif search.complete and len(study.objectives) == 1 and not study.design.confirms:
        yield (
            "Next: put the best few configurations into a Grid with replicates=5, so that chance and merit can be "
            "told apart."
        )
