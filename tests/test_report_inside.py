"""The section on the inside of networks: from recorded diagnostics to sentences, tables and figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from factories import make_grid_records, make_mlflow_settings, make_record, make_settings, make_study
from hpstudy import Choice, Grid, Search, Study
from hpstudy.analysis.inside import inside_cells, panels
from hpstudy.records import Diagnostics, LayerDiagnostics, Spread, TrialRecord, TrialState
from hpstudy.report.build import build_report
from hpstudy.report.inside.sections import ratio_text
from hpstudy.storage import Outcome, Owner, Store
from hpstudy.tracking.mlflow import Mirror
from hpstudy.tracking.mlflow.connection import connect
from test_report import check_page, everything, make_search, make_search_records, run

FADING = {"sigmoid": 0.01, "relu": 0.9}  # of the gradient, from layer to layer
INITIAL = {"normal_0.01": 0.1, "he_normal": 1.0}


def make_inside_study(replicates: int = 3, **changes: object) -> Study:
    vary = {"activation": Choice("sigmoid", "relu"), "initializer": Choice("normal_0.01", "glorot_normal", "he_normal")}
    return make_study(
        name="inside", base={"depth": 2}, vary=vary, design=Grid(replicates=replicates), diagnostics=True, **changes
    )


def make_spread(idle: float | None, low: float = 0.0, high: float = 1.0) -> Spread:
    return Spread(low=low, high=high, counts=tuple(range(30)), idle=idle)


def make_diagnostics(
    activation: str = "sigmoid",
    fading: float = 0.01,
    *,
    hidden: int = 2,
    epochs: int = 3,
    idle: float | None = 0.2,
    norms: Sequence[float | None] | None = None,
) -> Diagnostics:
    """Whose gradient grows by an epoch as much as the number of the epoch."""
    layers = [
        LayerDiagnostics(
            name=f"hidden {number}" if number <= hidden else "output",
            activation=activation if number <= hidden else "softmax",
            gradient_norms=tuple(
                norms or (fading ** (hidden + 1 - number) * (epoch + 1) for epoch in range(epochs + 1))
            ),
            start=make_spread(0.0) if number <= hidden else None,
            end=make_spread(idle, high=2.0) if number <= hidden else None,
        )
        for number in range(1, hidden + 2)
    ]
    return Diagnostics(rows=512, layers=tuple(layers))


def make_inside_records(study: Study) -> list[TrialRecord]:
    return [
        replace(
            record,
            diagnostics=make_diagnostics(
                str(record.params["activation"]),
                FADING[str(record.params["activation"])] * INITIAL.get(str(record.params["initializer"]), 0.5),
                idle=0.6 if record.params["activation"] == "sigmoid" else 0.05 * record.replicate,
            ).to_text(),
        )
        for record in make_grid_records(study)
    ]


def test_the_findings_tell_where_the_gradient_vanishes_and_what_keeps_it() -> None:
    study = make_inside_study()
    findings = build_report(study, make_inside_records(study), figures=False).details
    (sentence,) = [finding for finding in findings if "gradient" in finding]
    assert sentence == (
        "At the start, with activation=sigmoid, initializer=normal_0.01, the gradient of the first layer is "
        "1/1,000,000 of the last layer's; activation=relu alone makes it 1/120, initializer=he_normal alone makes it "
        "1/10,000 and in the best configuration it is 0.8."
    )
    (sentence,) = [finding for finding in findings if "idle" in finding]
    assert "60 % of the hidden units are saturated after training, 0.0 % at the start" in sentence


def test_where_it_does_not_vanish_that_is_told() -> None:
    study = make_study(vary={}, base={}, design=Grid(replicates=1), diagnostics=True)
    record = make_record(params={}, cell=0, replicate=0, diagnostics=make_diagnostics("relu", 0.5, idle=0.0).to_text())
    findings = build_report(study, [record], figures=False).details
    assert any("reaches the first layer with the one configuration: it is 1/4.0 of the last" in one for one in findings)
    assert not any("idle" in finding for finding in findings)


def test_an_exploding_gradient_is_told_with_its_norm() -> None:
    study = make_study(
        vary={"activation": Choice("relu", "tanh")}, base={}, design=Grid(replicates=1), diagnostics=True
    )
    norms = {"relu": (6100.0, 1.0, 1.0, 1.0), "tanh": (3.0, 1.0, 1.0, 1.0)}
    records = [
        replace(record, diagnostics=make_diagnostics(norms=norms[str(record.params["activation"])]).to_text())
        for record in make_grid_records(study)
    ]
    findings = build_report(study, records, figures=False).details
    assert "The gradient explodes with activation=relu: at the start its norm is 6,100." in findings


def test_every_form_of_the_report_has_the_section() -> None:
    study = make_inside_study()
    report = build_report(study, make_inside_records(study))
    text = everything(report)
    assert "## Inside the network" in text
    assert "| sigmoid | normal_0.01 | 3 | 1.0e−06 | 1.0 | 1/1,000,000 | 1/1,000,000 | 0.0 | 60.0 | 3 |" in text
    assert "| relu | he_normal | hidden 1 | relu | 0.81 | 3.2 | 0.0 | 5.0 |" in text
    assert "Hochreiter 1991" in text
    (section,) = (section for section in report.sections if section.title == "Inside the network")
    assert (
        sum("Gradient norm" in figure.title for figure in section.figures) == 4
    )  # by layer and by epoch, × activation
    assert sum("Activations" in figure.title for figure in section.figures) == 6
    cell = report.data["inside"][0]
    assert cell["params"] == {"activation": "sigmoid", "initializer": "normal_0.01"}
    assert cell["ratio"]["start"] == pytest.approx(1e-6)
    assert cell["layers"][0]["gradient_norms"] == pytest.approx([1e-6, 2e-6, 3e-6, 4e-6])
    assert cell["layers"][0]["end"]["high"] == 2.0
    assert sum(cell["layers"][0]["end"]["shares"]) == pytest.approx(1.0, abs=1e-4)
    assert cell["layers"][-1]["start"] is None
    check_page(report)


def test_a_study_without_diagnostics_has_no_such_section() -> None:
    study = make_study()
    report = build_report(study, make_grid_records(study), figures=False)
    assert "inside" not in report.data
    assert all(section.title != "Inside the network" for section in report.sections)


def test_one_replicate_and_a_running_study_show_what_is_there() -> None:
    study = make_inside_study(replicates=1)
    records = make_inside_records(study)[:3]
    records[2] = replace(records[2], state=TrialState.RUNNING, values=None, metrics={}, ended=None, diagnostics=None)
    report = build_report(study, records)
    everything(report)
    assert [cell["trials"] for cell in report.data["inside"]] == [[0], [1]]


def test_a_configuration_that_always_fails_shows_how_it_began() -> None:
    study = make_inside_study()
    records = [
        replace(record, state=TrialState.FAILED, values=None, metrics={}, error="the training diverged")
        if record.params["initializer"] == "normal_0.01" or record.replicate == 0
        else record
        for record in make_inside_records(study)
    ]
    report = build_report(study, records)
    everything(report)
    assert [len(cell["trials"]) for cell in report.data["inside"]] == [3, 2, 2, 3, 2, 2]


def test_gradients_that_are_zero_or_no_numbers() -> None:
    study = make_study(vary={"activation": Choice("relu", "sigmoid")}, base={}, design=Grid(replicates=2))
    seen = [
        make_diagnostics(norms=(0.0, None, 1e-300, math.inf), idle=None),
        make_diagnostics(norms=(None, None, None, None)),
        make_diagnostics(hidden=0),
    ]
    seen[1] = replace(seen[1], layers=tuple(replace(layer, start=None, end=None) for layer in seen[1].layers))
    for diagnostics in seen:
        records = [replace(record, diagnostics=diagnostics.to_text()) for record in make_grid_records(study)]
        everything(build_report(study, records))
    none_at_all = replace(
        seen[0], layers=(*seen[0].layers[:-1], replace(seen[0].layers[-1], gradient_norms=(1.0, 1.0, 1.0, 1.0)))
    )
    records = [replace(record, diagnostics=none_at_all.to_text()) for record in make_grid_records(study)]
    findings = build_report(study, records, figures=False).details
    assert any("no gradient reaches the first layer" in finding for finding in findings)


def test_replicates_of_other_ranges_are_pooled_and_gradients_averaged_as_powers() -> None:
    study = make_inside_study(replicates=2)
    records = make_inside_records(study)[:2]
    values = [make_diagnostics(fading=1.0, epochs=1), make_diagnostics(fading=1.0, epochs=2)]
    spreads = [
        Spread(low=0.0, high=3.0, counts=(6, 0, 0), idle=0.0),
        Spread(low=0.0, high=1.5, counts=(2, 2, 2), idle=1.0),
    ]
    values = [
        replace(seen, layers=tuple(replace(layer, start=spread) for layer in seen.layers))
        for seen, spread in zip(values, spreads, strict=True)
    ]
    values[1] = replace(
        values[1], layers=tuple(replace(layer, gradient_norms=(4.0, 8.0, 100.0)) for layer in values[1].layers)
    )
    (cell,) = inside_cells(
        [replace(record, diagnostics=seen.to_text()) for record, seen in zip(records, values, strict=True)]
    )
    layer = cell.layers[0]
    assert layer.gradient_norms == pytest.approx([2.0, 4.0, 100.0])  # √(1·4), √(2·8), and one that trained on
    assert layer.final_norm == pytest.approx(math.sqrt(2.0 * 100.0))
    assert layer.start is not None
    assert layer.start.edges == pytest.approx([0, 1, 2, 3])
    assert layer.start.shares * 12 == pytest.approx([6 + 4, 2, 0])
    assert layer.start.idle == 0.5


def test_panels_draw_along_the_factor_with_the_most_levels_the_deepest_first() -> None:
    study = make_study(
        vary={"activation": Choice("sigmoid", "relu", "tanh"), "depth": Choice(1, 4)}, base={}, design=Grid()
    )
    records = [
        replace(record, diagnostics=make_diagnostics(hidden=int(record.params["depth"])).to_text())  # type: ignore[arg-type]
        for record in make_grid_records(study)
    ]
    found = panels(study, inside_cells(records))
    assert [(panel.factor, panel.context, len(panel.cells)) for panel in found] == [
        ("activation", {"depth": 4}, 3),
        ("activation", {"depth": 1}, 3),
    ]
    everything(build_report(study, records))


def test_of_a_search_the_best_trial_is_shown() -> None:
    study = make_search(diagnostics=True)
    assert isinstance(study.design, Search)
    records = [replace(record, diagnostics=make_diagnostics().to_text()) for record in make_search_records(study)]
    report = build_report(study, records)
    best = report.data["best"][0]["trial"]
    assert [cell["trials"] for cell in report.data["inside"]] == [[best]]
    assert f"In a search, this is the best trial: {best}." in everything(report)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1 / 430, "1/430"),
        (2.3e-7, "1/4,300,000"),
        (0.4, "1/2.5"),
        (0.7, "0.7"),
        (1.3, "1.3"),
        (0.0, "0"),
        (120.0, "120"),
    ],
)
def test_ratios_are_written_as_people_say_them(ratio: float, text: str) -> None:
    assert ratio_text(ratio) == text


def test_diagnostics_are_stored_with_the_result_and_printed(tmp_path: Path) -> None:
    study = make_inside_study(replicates=1)
    store = Store(make_settings(tmp_path).storage)
    queue = store.register(study)
    assert store.open("inside").study.diagnostics
    seen = make_diagnostics()
    while claim := queue.claims.claim(Owner.of_process()):
        record = make_record(value=0.5 + claim.number / 100)
        claim.complete(Outcome(metrics=record.metrics, history=record.history, diagnostics=seen.to_text()))
    assert {Diagnostics.from_text(record.diagnostics or "") for record in queue.trials.records()} == {seen}
    store.close()
    printed = run(tmp_path, "report", "inside")
    assert "Gradient and idle units" in printed
    assert "of each layer" not in printed


def test_gradient_norms_are_metrics_of_the_run_in_mlflow(tmp_path: Path) -> None:
    settings, study = make_mlflow_settings(tmp_path), make_inside_study(replicates=1)
    records = make_inside_records(study)[:2]
    many = replace(records[1], history=make_record(number=1, epochs=120).history)
    diagnostics = make_diagnostics(epochs=120).to_text()
    records[1] = replace(many, diagnostics=diagnostics)  # 6 × 120 + 3 × 121 points: more than one request holds
    assert Mirror(settings, study).sync(records, state="finished").created == 2
    client = connect(settings)
    experiment = client.get_experiment_by_name("inside")
    found = client.search_runs([experiment.experiment_id], filter_string="tags.`hpstudy.role` = 'trial'")
    runs = {found.data.tags["hpstudy.trial"]: found for found in found}
    assert runs["0"].data.metrics["gradient_norm/hidden 1"] == pytest.approx(4e-6)
    history = client.get_metric_history(runs["0"].info.run_id, "gradient_norm/hidden 1")
    assert [(point.step, point.value) for point in history] == [
        (epoch, pytest.approx((epoch + 1) * 1e-6)) for epoch in range(4)
    ]
    assert not any("gradient" in name for name in runs["1"].data.metrics)
    assert str(Mirror(settings, study).sync(records, state="finished", complete=True)).startswith(
        "0 created, 0 updated, 2 unchanged"
    )
