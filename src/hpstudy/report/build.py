"""From a study and its trials to a report: compute, put into words, lay out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpstudy.analysis.analyse import Analysis, GridAnalysis, analyse
from hpstudy.analysis.beside import published_beside
from hpstudy.analysis.curves import LOSS, FactorCurves, best_curves, curve_objective, factor_curves
from hpstudy.analysis.overview import Overview
from hpstudy.analysis.search import SearchResult
from hpstudy.evaluation.evaluate import chosen_since
from hpstudy.records import NO_LOOKS, Baselines, Evaluation, Looks, TrialRecord
from hpstudy.report import texts
from hpstudy.report.baselines import baselines_finding, baselines_section, stands_beside
from hpstudy.report.beside import published_finding, published_json, published_section
from hpstudy.report.digits import aligned
from hpstudy.report.document import Figure, Section, Table
from hpstudy.report.grid import sections as grid_sections
from hpstudy.report.grid.details import NOTABLE_SHARE, cost, grid_details
from hpstudy.report.grid.findings import MOST_LINES, grid_answer
from hpstudy.report.headings import in_language
from hpstudy.report.held_out import held_out_finding, held_out_line, held_out_section
from hpstudy.report.inside.sections import inside_sections
from hpstudy.report.languages import say, word
from hpstudy.report.methods import GRID_METHODS, INSIDE_METHODS, PUBLISHED_METHOD, SEARCH_METHODS
from hpstudy.report.render.as_json import numbers
from hpstudy.report.search import sections as search_sections
from hpstudy.report.search.findings import search_answer, search_details
from hpstudy.report.tuned import tuned_findings, tuned_section
from hpstudy.report.whole import Report
from hpstudy.study.designs import Adaptive, Compare, Grid
from hpstudy.study.domains import domain_text
from hpstudy.study.factors import describe
from hpstudy.study.spec import Study


def build_report(
    study: Study,
    records: Sequence[TrialRecord],
    *,
    baseline: Sequence[str] = (),
    evaluation: Evaluation | None = None,
    baselines: Baselines | Mapping[str, float] | None = None,
    figures: bool = True,
    closed: bool = False,
    looks: Looks = NO_LOOKS,
) -> Report:
    """The report on a study so far.

    Args:
        baseline: Levels to compare with instead of the best ones, as `adam` or `optimizer=adam`.
        evaluation: The scores on the test split, if there are any.
        baselines: The scores of simple predictors; or the constant predictor's alone, for trials that an earlier
            version recorded as failed as they diverged.
        figures: Draw the figures; without them the report takes a tenth of the time.
        closed: Nothing new is tried any more, so the study is finished with what was begun.
        looks: How often somebody has looked at results.

    Raises:
        UserError: a baseline is not a level of the study.
    """
    simple, constant = (baselines, baselines.constant) if isinstance(baselines, Baselines) else (None, baselines)
    analysis = analyse(study, records, baseline, constant, closed=closed, extensions=looks.extensions)
    pictures: list[Figure] = []
    beside = stands_beside(study, simple)
    if analysis.grid:
        findings = grid_answer(analysis, analysis.grid, beside, MOST_LINES - bool(evaluation))
        if figures:
            from hpstudy.report.grid.picture import configuration_figures

            pictures = configuration_figures(analysis, analysis.grid, beside)
        details = grid_details(analysis, analysis.grid)
        details += tuned_findings(analysis)
        sections = _grid_sections(analysis, analysis.grid, figures)
        sections += [section for section in (tuned_section(analysis, figures=figures),) if section]
    else:
        assert analysis.search
        findings = search_answer(analysis, analysis.search, beside, MOST_LINES - bool(evaluation))
        details = search_details(analysis, analysis.search)
        if figures:
            pictures = _search_pictures(analysis, analysis.search, beside)
        sections = _search_sections(analysis, analysis.search, figures)
    inside = inside_sections(study, analysis.inside, figures=figures)
    since = chosen_since(study, records, evaluation) if evaluation else []
    if evaluation:
        told = held_out_finding(analysis.texts, evaluation, since, study=study.name, times_scored=looks.at_test_split)
        details.insert(0, told)
        place = len(findings) if study.given else 1 if analysis.grid else 2
        findings.insert(place, held_out_line(evaluation, since, study.objectives[0].metric))
        sections.append(held_out_section(evaluation, simple, figures=figures))
    if simple:
        details.insert(1 if evaluation else 0, baselines_finding(study, simple))
        sections.append(baselines_section(simple))
    published = published_beside(study, analysis.records, evaluation)
    if figures_beside := published_finding(study, published):
        details.append(figures_beside)
    if published:
        sections.append(published_section(study, published))
    if analysis.overview.ended:
        details.append(cost(analysis))
    report = Report(
        study=study.name,
        title=say("Report on {study}", study=study.name),
        question=study.question.strip(),
        status=_status(analysis.overview),
        is_finished=analysis.overview.is_finished,
        at=max((at for record in records for at in (record.started, record.ended) if at), default=None),
        declaration=tuple(_declaration(study).items()),
        findings=tuple(findings),
        pictures=tuple(pictures),
        details=tuple(details),
        sections=tuple(
            aligned(section)
            for section in (*sections, *inside, _divergence(analysis.overview), _failures(analysis.overview))
            if section
        ),
        methods=(
            *(GRID_METHODS if analysis.grid else SEARCH_METHODS),
            *((PUBLISHED_METHOD,) if published else ()),
            *(INSIDE_METHODS if inside else ()),
        ),
        data={
            **numbers(analysis, findings, details),
            "evaluation": evaluation and evaluation.to_json(),
            "chosen_since": _chosen(since),
            "times_scored": looks.at_test_split,
            "baselines": simple and simple.to_json(),
            "published": published_json(published),
        },
    )
    return in_language(report, (*study.vary, *study.tune))


def _chosen(since: Sequence[TrialRecord]) -> dict[str, Any] | None:
    """What was chosen after the test split was scored."""
    return {"params": dict(since[0].params), "seeds": [record.seed for record in since]} if since else None


def _status(seen: Overview) -> str:
    diverged = say(" ({number} diverged)", number=seen.diverged) if seen.diverged else ""
    counts = say(
        "{complete} complete{diverged}, {pruned} pruned, {failed} failed",
        complete=seen.complete,
        diverged=diverged,
        pruned=seen.pruned,
        failed=seen.failed,
    ) + texts.tried_again(seen.lost, seen.interrupted)
    if seen.is_finished:
        return say(
            "Finished: {ended} of {budget} trials ({counts}).", ended=seen.ended, budget=seen.budget, counts=counts
        )
    doing = say("{number} in training", number=seen.running) if seen.running else say("nobody is training now")
    return say(
        "Not finished: {ended} of {budget} trials ({counts}; {doing}). Everything below may still change.",
        ended=seen.ended,
        budget=seen.budget,
        counts=counts,
        doing=doing,
    )


def _declaration(study: Study) -> dict[str, str]:
    if isinstance(study.design, Grid):
        asked = study.design.replicates
        if isinstance(asked, Adaptive):
            replicates = say("{least} to {most} replicates", least=asked.least, most=asked.most)
        else:
            replicates = texts.counted(asked, "replicate")
        cells = texts.counted(study.budget // study.design.most, "cell")
        design = say("grid of {cells} × {replicates}", cells=cells, replicates=replicates)
    elif isinstance(study.design, Compare):
        design = say(
            "{cells} × {replicates}, each a search of {trials} over {tuned}, sampler {sampler}; each winner confirmed",
            cells=texts.counted(len(study.cells()), "cell"),
            replicates=texts.counted(study.design.replicates, "replicate"),
            trials=texts.counted(study.design.trials, "trial"),
            tuned=texts.listed(list(study.tune)),
            sampler=study.design.sampler,
        )
    else:
        design = say(
            "search of {trials}, sampler {sampler}{pruner}{given}",
            trials=texts.counted(study.design.trials, "trial"),
            sampler=study.design.sampler,
            pruner="" if study.design.pruner == "none" else say(", pruner {pruner}", pruner=study.design.pruner),
            given=say(", {number} given first", number=len(study.design.first)) if study.design.first else "",
        )
    objectives = texts.listed([f"{objective.metric} ({word(objective.direction)})" for objective in study.objectives])
    return {
        "dataset": study.dataset_info.title,
        "design": design,
        "objective": objectives,
        "base": describe(study.base) or say("defaults"),
        **{name: domain_text(name, domain, study.texts) for name, domain in study.domains.items()},
    }


def _grid_sections(analysis: Analysis, grid: GridAnalysis, figures: bool) -> list[Section]:
    if not grid.cells:
        return []
    sections = [Section(title="Configurations", tables=(grid_sections.cells_table(analysis, grid),))]
    sections += [_factor_section(analysis, grid, factor, figures) for factor in analysis.study.vary]
    sections.append(_interaction_section(analysis, grid, figures))
    if figures:
        from hpstudy.report.grid.figures import cost_figures

        sections.append(Section(title="Cost", figures=tuple(cost_figures(analysis, grid.cells))))
    return [section for section in sections if section.tables or section.figures]


def _factor_section(analysis: Analysis, grid: GridAnalysis, factor: str, figures: bool) -> Section:
    """Levels, then how they learned."""
    effects = [effect for effect in grid.effects if effect.factor == factor]
    curves = [curves for curves in analysis.curves if curves.factor == factor]
    pictures: list[Figure] = []
    if figures:
        from hpstudy.report.grid.figures import curve_figures, effect_figures

        drawn = [curve_figures(one) for one in _drawn_curves(analysis, grid, factor)]
        validation, training, gaps = zip(*drawn, strict=True) if drawn else ((), (), ())  # loss beside accuracy
        levels = [figure for effect in effects for figure in effect_figures(analysis, effect)]
        pictures = [*levels[:1], *validation, *levels[1:], *training, *gaps[:1]]
    tables = [grid_sections.factor_table(analysis, effect) for effect in effects]
    tables += [grid_sections.curves_table(one) for one in curves]
    return Section(title=say("Factor {factor}", factor=factor), tables=tuple(tables), figures=tuple(pictures))


def _drawn_curves(analysis: Analysis, grid: GridAnalysis, factor: str) -> list[FactorCurves]:
    """By the objective and by the loss. Where factors interact, averages over the others say of no network how it
    learned, so each level is drawn with those that suit it best.
    """
    study, cells = analysis.study, [cell.params for cell in grid.cells]
    interacts = any(pair.share >= NOTABLE_SHARE and factor in pair.factors for pair in grid.pairs)
    found = []
    for objective in dict.fromkeys((curve_objective(study), LOSS)):
        if interacts:
            found.append(best_curves(study, analysis.records, factor, cells, objective))
        else:
            found.append(factor_curves(study, analysis.records, factor, objective))
    return [curves for curves in found if curves]


def _interaction_section(analysis: Analysis, grid: GridAnalysis, figures: bool) -> Section:
    shares = grid_sections.shares_table(grid)
    pairs = [pair for pair in grid.pairs[: grid_sections.MOST_PAIRS] if pair.means]
    tables = [grid_sections.pair_table(analysis, pair) for pair in pairs]
    pictures: list[Figure] = []
    if figures:
        from hpstudy.report.grid.figures import pair_figures

        pictures = [figure for pair in pairs for figure in pair_figures(analysis, pair)]
    title = say("Interactions and variance")
    return Section(title=title, tables=(*([shares] if shares else []), *tables), figures=tuple(pictures))


def _search_pictures(analysis: Analysis, search: SearchResult, beside: Sequence[tuple[str, float]]) -> list[Figure]:
    """The finalists, and how the search came to them."""
    from hpstudy.report.grid.picture import finalists_figure
    from hpstudy.report.search.figures import history_figure

    found = [finalists_figure(analysis, analysis.finalists, beside)] if analysis.finalists else []
    return [*found, history_figure(analysis, search)] if len(search.complete) > 1 else found


def _search_sections(analysis: Analysis, search: SearchResult, figures: bool) -> list[Section]:
    trials = search_sections.trials_table(analysis, search)
    importances = search_sections.importances_table(search)
    sections = []
    if analysis.finalists:
        table = search_sections.finalists_table(analysis, analysis.finalists)
        sections.append(Section(title="Finalists", tables=(table,)))
    if trials:
        sections.append(Section(title="Best trials", tables=(trials,)))
    if importances:
        sections.append(Section(title="Importance", tables=(importances,)))
    if figures and len(search.complete) > 1:
        from hpstudy.report.grid.figures import cost_axes, cost_figure
        from hpstudy.report.search.figures import search_figures

        sections.append(Section(title="The search", figures=tuple(search_figures(analysis, search))))
        metric = analysis.study.objectives[0].metric
        costs = []
        for quantity, label in cost_axes():
            points = [(r.metrics[quantity], r.value or 0.0) for r in search.complete if quantity in r.metrics]
            if quantity != metric:
                costs += cost_figure(points, label, metric)
        if costs:
            sections.append(Section(title="Cost", figures=tuple(costs)))
    return sections


def _divergence(seen: Overview) -> Section | None:
    if not seen.diverging:
        return None
    rows = tuple((one.factor, one.level, texts.count(one.diverged), texts.count(one.ended)) for one in seen.diverging)
    caption = (
        "Trials whose loss became infinite or NaN, by level. They are complete, with the scores of the constant "
        "predictor, which gives every row the classes' shares, or the mean, of the training rows."
    )
    table = Table(title="Diverged trials", columns=("factor", "level", "diverged", "ended"), rows=rows, caption=caption)
    return Section(title="Divergence", tables=(table,))


def _failures(seen: Overview) -> Section | None:
    if not seen.failures:
        return None
    rows = tuple(
        (
            texts.count(len(failure.trials)),
            texts.shortened([str(number) for number in failure.trials], 8),
            failure.reason,
        )
        for failure in seen.failures
    )
    caption = "Trials that ended without a result, by reason; reasons that differ only in numbers count as one."
    table = Table(title="Failures", columns=("count", "trials", "reason of the first"), rows=rows, caption=caption)
    return Section(title="Failures", tables=(table,))
