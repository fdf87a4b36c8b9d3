"""Levels that differ are told apart wherever they stand: in tables, reports, MLflow, and between Optuna and back."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from factories import make_grid_records, make_record, make_settings, make_study
from hpstudy import Choice, Float, Grid, Int, Published, Search
from hpstudy.analysis.effects import baselines
from hpstudy.api.tables import result_table
from hpstudy.cli import main
from hpstudy.errors import UserError
from hpstudy.report.build import build_report
from hpstudy.report.render.files import render
from hpstudy.storage import Outcome, Owner, Store
from hpstudy.study.factors import Level
from hpstudy.study.levels import distinct_texts
from hpstudy.tracking.mlflow.contents import study_content, trial_content, trial_name

ALIKE = {"mode": Choice(None, "None", "none"), "k": Choice(0.12341, 0.12342)}
TEXTS: list[tuple[tuple[Level, ...], list[str]]] = [
    ((0.001, 0.01, 100, "adam", None), ["0.001", "0.01", "100", "adam", "None"]),
    ((0.12341, 0.12342, 0.5), ["0.12341", "0.12342", "0.5"]),
    ((1 / 3, 0.3333), ["0.33333", "0.3333"]),
    ((0.1, 0.10000000000000003), ["0.1", "0.10000000000000003"]),
    ((1, 1.00001), ["1", "1.00001"]),
    ((None, "None", "none"), ["None", "'None'", "none"]),
    ((True, "True"), ["True", "'True'"]),
    ((1, "1", "'1'"), ["1", "'1'", "\"'1'\""]),
    (("a", "a "), ["'a'", "'a '"]),
    (("a b", "a\u200b b"), ["'a b'", r"'a\u200b b'"]),
]


@pytest.mark.parametrize(("levels", "texts"), TEXTS, ids=str)
def test_levels_are_written_short_and_never_alike(levels: tuple[Level, ...], texts: list[str]) -> None:
    assert list(distinct_texts(levels).values()) == texts


def table_of(renderable: object) -> str:
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_a_grid_of_levels_that_look_alike_is_told_apart_in_every_form() -> None:
    study = make_study(vary=ALIKE, base={}, network_digest="own", design=Grid(replicates=3))
    records = make_grid_records(study)
    report = build_report(study, records, evaluation=None)
    factors = report.data["factors"]
    assert [sorted(level["level"] for level in factors[name]["levels"]) for name in study.vary] == [
        ["'None'", "None", "none"],
        ["0.12341", "0.12342"],
    ]
    assert {effect["contexts"] for effect in factors.values()} == {2, 3}
    cells = {("None", "0.12341"), ("'None'", "0.12341"), ("none", "0.12342")}
    page = render(report, "md")
    assert all(f"| {mode} | {k} |" in page for mode, k in cells)
    rows = [tuple(line.split()[:2]) for line in table_of(result_table(study, records)).splitlines()]
    assert cells <= set(rows)
    names = [trial_name(study, record) for record in records]
    assert len(set(names)) == len(records)
    assert names[0] == "mode None · k 0.12341 · r0"
    assert "None, 'None', none" in study_content(study, [], "running").fixed_tags["mlflow.note.content"]


def test_trials_of_a_search_are_told_apart_in_one_table_and_written_short_elsewhere() -> None:
    study = make_study(vary={"learning_rate": Float(0.1, 1)}, base={}, design=Search(finalists=0, trials=4))
    values = {0.12341: 0.9, 0.12342: 0.8, 0.77777777: 0.7}
    records = [
        make_record(number, params={"learning_rate": rate}, cell=None, replicate=0, value=value)
        for number, (rate, value) in enumerate(values.items())
    ]
    (section,) = (section for section in build_report(study, records, figures=False).sections if section.tables)
    assert [str(row[2]) for row in section.tables[0].rows] == ["0.12341", "0.12342", "0.7778"]
    table = table_of(result_table(study, records))
    assert "learning_rate=0.12341" in table
    assert "learning_rate=0.7778" in table
    assert trial_name(study, records[0]) == "lr 0.1234"


def test_a_level_none_is_no_missing_factor_in_the_table_of_results() -> None:
    vary = {"optimizer": Choice("sgd", "adam"), "early_stopping": Choice(None, 3, when={"optimizer": "sgd"})}
    study = make_study(vary=vary, base={})
    rows = [line.split()[:2] for line in table_of(result_table(study, make_grid_records(study))).splitlines()]
    assert ["sgd", "None"] in rows
    assert ["adam", "–"] in rows


def test_names_that_mlflow_cannot_tell_apart_get_others_and_the_rest_keep_theirs() -> None:
    vary = {"a+": Choice(1, 2), "a*": Choice(3, 4), "a_2": Choice(5, 6), "b/c": Choice(9, "9")}
    study = make_study(vary=vary, base={"n" * 250: 1}, network_digest="own", design=Grid(replicates=1))
    record = make_grid_records(study)[1]
    params = trial_content(study, record, "parent").params
    assert {params[key] for key in ("a_", "a_3", "a_2", "b_c")} == {"1", "3", "5", "'9'"}
    assert params["optimizer"] == "adam"
    assert len(params) == len({name: 0 for name, level in study.config(record.params).items() if level is not None})


def test_sections_of_factors_with_similar_names_have_addresses_of_their_own() -> None:
    names = ("C", "c", "a b", "a  b", 'k"><b>')
    study = make_study(vary={name: Choice(1, 2) for name in names}, base={}, network_digest="own")
    page = render(build_report(study, make_grid_records(study), figures=False), "html")
    ids = re.findall(r'<section id="([^"]*)">', page)
    assert len(set(ids)) == len(ids) > len(names)
    assert all(f'<a href="#{address}">' in page for address in ids if address != "findings")
    assert "<b>" not in page


def test_a_baseline_and_a_published_figure_may_be_spelled_otherwise() -> None:
    vary = {"optimizer": Choice("sgd", "adam"), "l2": Choice(0, 0.001), "mode": Choice(None, "None"), "d": Int(1, 9)}
    figure = Published(optimizer="SGD", l2=0, mode=None, d=2.0, value=0.5, metric="loss", source="a book")
    study = make_study(vary=vary, base={}, network_digest="own", published=figure)
    assert dict(study.published[0].levels) == {"optimizer": "sgd", "l2": 0.0, "mode": None, "d": 2}
    given = ["SGD", "l2=1e-3", "mode='None'", "d=3"]
    assert baselines(study, given) == {"optimizer": "sgd", "l2": "0.001", "mode": "'None'", "d": "3"}
    assert baselines(study, ["mode=None", "l2=0.0"]) == {"mode": "None", "l2": "0"}
    with pytest.raises(UserError, match="no baseline 'd=10'"):
        baselines(study, ["d=10"])
    with pytest.raises(UserError, match="in 0 of 72"):
        make_study(
            vary=vary, base={}, network_digest="own", published=Published(d=True, value=1, metric="loss", source="x")
        )


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_ranges_with_steps_and_wide_ones_come_back_from_the_database_as_they_were_trained(
    tmp_path: Path, sampler: str
) -> None:
    vary = {"dropout": Float(0.1, 0.95, step=0.1), "net": Int(0, 2**31 - 1), "units": Int(16, 100, step=16)}
    study = make_study(vary=vary, base={}, network_digest="own", design=Search(finalists=0, trials=12, sampler=sampler))
    settings = make_settings(tmp_path)
    settings.home.mkdir(exist_ok=True)
    store = Store(settings.storage)
    queue = store.register(study)
    trained = []
    while claim := queue.claims.claim(Owner.of_process()):
        trained.append(dict(claim.params))
        claim.complete(Outcome(metrics={"val_accuracy": float(claim.params["dropout"])}))  # type: ignore[arg-type]
    records = Store(settings.storage).open(study.name).trials.records()
    assert [dict(record.params) for record in records] == trained
    assert {params["dropout"] for params in trained} <= {round(0.1 * step, 1) for step in range(1, 10)}
    for params in trained:
        study.check_params(params)
    page = render(build_report(study, records), "md")
    assert "0.1 to 0.9 in steps of 0.1" in page
    assert "0.30000000000000004" not in page
    store.close()


def test_a_grid_takes_a_float_with_a_step_and_exports_levels_that_can_be_told_apart(tmp_path: Path) -> None:
    vary = {"dropout": Float(0, 0.3, step=0.1), "mode": Choice(2, "2", "False", False)}
    study = make_study(vary=vary, base={}, network_digest="own", design=Grid(replicates=1))
    settings = make_settings(tmp_path)
    settings.home.mkdir(exist_ok=True)
    store = Store(settings.storage)
    queue = store.register(study)
    while claim := queue.claims.claim(Owner.of_process()):
        assert claim.params == study.cells()[claim.start.cell or 0].params
        claim.complete(Outcome(metrics={"val_accuracy": 0.5}))
    store.close()
    shown = CliRunner().invoke(main, ["export", study.name, "--format", "csv", "--home", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    rows = list(csv.DictReader(io.StringIO(shown.output)))
    assert len({(row["params.dropout"], row["params.mode"]) for row in rows}) == study.budget == 16
    assert {row["params.mode"] for row in rows} == {"2", "'2'", "False", "'False'"}
    assert {row["params.dropout"] for row in rows} == {"0.0", "0.1", "0.2", "0.3"}


def test_a_long_result_fits_a_screen_shows_the_worst_and_says_what_it_leaves_out() -> None:
    study = make_study(vary={"units": Choice(*range(1, 31))}, base={}, design=Grid(replicates=2))
    lines = table_of(result_table(study, make_grid_records(study))).splitlines()

    assert lines[0] == "30 cells, best first, 6 in the middle left out; means over replicates"
    assert [line.split()[0] for line in lines[-4:] if line.strip()][-3:] == ["8", "…", "1"]
    assert len(lines) < 31
