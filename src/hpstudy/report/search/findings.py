"""The findings of a search, in sentences that are made from its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpstudy.analysis.analyse import Analysis
from hpstudy.analysis.finalists import Finalists
from hpstudy.analysis.search import MIN_TRIALS, Importance, SearchResult
from hpstudy.analysis.standings import Verdict
from hpstudy.report import texts
from hpstudy.report.answer import chosen_line, fitted, short, simpler
from hpstudy.report.grid.details import trouble
from hpstudy.report.grid.findings import AFTER_QUICK
from hpstudy.report.inside.sections import inside_findings
from hpstudy.report.languages import say, word
from hpstudy.study.overrides import QUICK

_TELLING = 3  # factors that the sentence about importance names
_FORETELLS = 0.5  # rank correlation of early with last scores from which pruning is more than a gamble


def search_answer(
    analysis: Analysis, search: SearchResult, beside: Sequence[tuple[str, float]], room: int
) -> list[str]:
    """What to use, what is as good, what matters, what to do next.

    Args:
        beside: What the best score stands beside, such as ("chance", 0.1).
        room: Lines, at most.
    """
    if not search.complete:
        return list(trouble(analysis.overview))
    study = analysis.study
    if len(study.objectives) > 1:
        metrics = texts.listed([objective.metric for objective in study.objectives])
        return [
            say(
                "{front} trials of {trials} form the Pareto front of {metrics}.",
                front=len(search.front),
                trials=len(search.complete),
                metrics=metrics,
            )
        ]
    lines = list(_chosen(analysis, search, beside))
    if analysis.finalists:
        lines += list(_others(analysis.finalists))
    following = list(_next_steps(analysis, search))
    return [*lines, *_matters(search), *following][: max(room, len(lines))]


def search_details(analysis: Analysis, search: SearchResult) -> list[str]:
    """The rest, in whole sentences."""
    if not search.complete:
        return inside_findings(analysis)
    found = [*_best(analysis, search), *_optimism(analysis), *_importance(search), *_course(analysis, search)]
    found += [*_edges(search), *_pruning(search), *_repeats(analysis), *inside_findings(analysis)]
    return [*found, *trouble(analysis.overview)]


def _chosen(analysis: Analysis, search: SearchResult, beside: Sequence[tuple[str, float]]) -> Iterator[str]:
    """The configuration and its score."""
    study, finalists = analysis.study, analysis.finalists
    metric, sign = study.objectives[0].metric, study.objectives[0].sign
    origin = finalists.origins[0] if finalists else search.complete[0]
    value = sign * float(finalists.standings.means[0]) if finalists else float(origin.value or 0.0)
    yield chosen_line(say("trial {number}", number=origin.number), metric, value, beside)
    yield fitted(say("It has "), [short(study, {name: level}) for name, level in origin.params.items()])
    yield from simpler(value, sign, beside)


def _others(finalists: Finalists) -> Iterator[str]:
    """The other finalists by verdict."""
    found = finalists.standings
    if found.n.max() < 2 or len(finalists.origins) < 2:
        return
    words = {
        Verdict.EQUIVALENT: say("as good (within {practical}): ", practical=texts.number(found.practical)),
        Verdict.UNDECIDED: say("undecided: "),
        Verdict.WORSE: say("worse: "),
    }
    parts = []
    for verdict, head in words.items():
        numbers = [
            str(origin.number)
            for origin, one in zip(finalists.origins[1:], found.verdicts[1:], strict=True)
            if one == verdict
        ]
        if numbers:
            parts.append(head + say("trial {number}", number=", ".join(numbers)))
    yield fitted(say("Finalists, {number} fresh seeds each: ", number=int(found.n.max())), parts)


def _matters(search: SearchResult) -> list[str]:
    """The factors that matter most, with the range of their importance; one that may not matter is not named."""
    if not search.importances:
        return []
    telling = [one for one in search.importances if one.spread and one.spread[0] >= 1 / (2 * len(search.importances))]
    if not telling:
        return [say("Which factors matter most is open after {trials} complete trials.", trials=len(search.complete))]
    return [fitted(say("Matters most: "), [_with_range(one) for one in telling[:_TELLING]])]


def _with_range(one: Importance) -> str:
    low, high = one.spread or (0.0, 0.0)
    return say("{factor} ({low} to {high} %)", factor=one.factor, low=f"{100 * low:.0f}", high=f"{100 * high:.0f}")


def _best(analysis: Analysis, search: SearchResult) -> Iterator[str]:
    study = analysis.study
    if len(study.objectives) > 1:
        yield say("On the Pareto front, no other trial is better in one objective without being worse in another.")
        return
    best = search.complete[0]
    metric = study.objectives[0].metric
    where = texts.params(analysis.texts, best.params)
    text = say(
        "The best trial is {number}: {metric} {value} with {levels}.",
        number=best.number,
        metric=metric,
        value=texts.number(best.value),
        levels=where,
    )
    others = [record for record in search.trained if record.number not in (best.number, best.repeats)]
    if others:
        second = others[0]
        text += say(
            " The second, trial {number}, reached {value}.", number=second.number, value=texts.number(second.value)
        )
    yield text + say(" Each is one training with one seed: differences as small as those between seeds mean nothing.")


def _optimism(analysis: Analysis) -> Iterator[str]:
    if finalists := analysis.finalists:
        yield say(
            "The scores that made {finalists} were lucky: under fresh seeds they are {gap} worse, mean over all. The "
            "choice is by the fresh seeds alone.",
            finalists=texts.counted(len(finalists.origins), "finalist"),
            gap=texts.number(finalists.optimism),
        )


def _importance(search: SearchResult) -> Iterator[str]:
    if not search.importances:
        yield say(
            "Which factors matter cannot be said from {trials}: that takes {needed}, with different values.",
            trials=texts.counted(len(search.complete), "complete trial"),
            needed=MIN_TRIALS,
        )
        return
    top = [_with_range(one) for one in search.importances[:_TELLING]]
    yield say(
        "To be among the best trials it matters most to choose {factors} well (PED-ANOVA; its range over random parts "
        "of {trials}).",
        factors=texts.listed(top),
        trials=texts.counted(len(search.complete), "trial"),
    )


def _course(analysis: Analysis, search: SearchResult) -> Iterator[str]:
    if len(search.complete) < MIN_TRIALS or len(analysis.study.objectives) > 1:
        return
    last = search.best_so_far[-1][0]
    since = max(record.number for record in analysis.records) - last
    if since == 0:
        yield say("The very last trial was the best one: the search has not settled, and more trials may do better.")
    else:
        yield say("The best trial was followed by {number} that were not better.", number=since)


def _pruning(search: SearchResult) -> Iterator[str]:
    if search.saving:
        saving = search.saving
        yield say(
            "Pruning ended {trials} early and saved {epochs} ({share} of theirs), about {time} of training.",
            trials=texts.counted(saving.trials, "trial"),
            epochs=texts.counted(saving.epochs, "epoch"),
            share=texts.percent(saving.share),
            time=texts.duration(saving.seconds),
        )
    if seen := search.foretold:
        yield say(
            "Scores after epoch {epoch} foretold the last ones with a rank correlation of {correlation} over "
            "{trials}{gamble}.",
            epoch=seen.epoch,
            correlation=texts.number(seen.correlation, 2),
            trials=texts.counted(seen.trials, "complete trial"),
            gamble=say(": pruning there is a gamble") if seen.correlation < _FORETELLS else "",
        )


def _repeats(analysis: Analysis) -> Iterator[str]:
    seen = analysis.overview
    if seen.repeats:
        verbs = ("repeats", "was") if seen.repeats == 1 else ("repeat", "were")
        yield say(
            "{number} of {trials} {repeat} an earlier configuration and {were} not trained again.",
            number=seen.repeats,
            trials=texts.counted(seen.ended, "trial"),
            repeat=verbs[0],
            were=verbs[1],
        )


def _edges(search: SearchResult) -> Iterator[str]:
    for edge in search.edges:
        yield say(
            "The best {factor}, {level}, lies at the {end} of its range: a wider range may hold better ones.",
            factor=edge.factor,
            level=edge.level,
            end=word(f"{edge.end} end"),
        )


def _next_steps(analysis: Analysis, search: SearchResult) -> Iterator[str]:
    if analysis.study.name.endswith(QUICK):
        yield word(AFTER_QUICK)
    elif search.edges:
        yield fitted(
            say("Next: widen the range of "), [f"{edge.factor} ({word(f'{edge.end} end')})" for edge in search.edges]
        )
    elif not analysis.study.design.confirms:
        yield say("Next: Search(…, finalists=3) tells merit from luck.")
