"""Reports on studies of every kind: finished, running, failed, tiny, huge; as text, Markdown, HTML and JSON."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from factories import make_evaluation, make_grid_records, make_record, make_settings, make_study
from hpstudy import Choice, Float, Grid, Int, Search, Table, data
from hpstudy.analysis.search import importances, search_result
from hpstudy.cli import main
from hpstudy.errors import HpstudyError, UserError
from hpstudy.records import Baselines, TrialRecord, TrialState
from hpstudy.report.build import build_report
from hpstudy.report.render.files import render, write_report
from hpstudy.report.whole import Report
from hpstudy.settings import Settings
from hpstudy.storage import Outcome, Owner, Store
from hpstudy.study.spec import Study


def make_search(trials: int = 30, **changes: object) -> Study:
    """Of which only the learning rate matters."""
    return make_study(
        name="search",
        base={"epochs": 8},
        vary={
            "optimizer": Choice("sgd", "adam"),
            "learning_rate": Float(1e-4, 1e-1, log=True),
            "momentum": Float(0.0, 0.9, when={"optimizer": "sgd"}),
            "depth": Int(1, 3),
        },
        design=Search(finalists=0, trials=trials, pruner="median"),
        **changes,
    )


def make_search_records(study: Study, trials: int = 30, pruned: int = 0) -> list[TrialRecord]:
    chance = random.Random(0)
    records = []
    for number in range(trials):
        params = {"optimizer": chance.choice(["sgd", "adam"]), "learning_rate": 10 ** chance.uniform(-4, -1)}
        if params["optimizer"] == "sgd":
            params["momentum"] = chance.uniform(0, 0.9)
        params["depth"] = chance.randint(1, 3)
        value = 0.9 - 0.1 * abs(math.log10(float(params["learning_rate"])) + 2)
        state = TrialState.PRUNED if number < pruned else TrialState.COMPLETE
        epochs = 2 if state == TrialState.PRUNED else 8
        record = make_record(number, params=params, state=state, value=value, epochs=epochs, cell=None, replicate=0)
        records.append(replace(record, pruning={2: value} if state == TrialState.PRUNED else {}))
    return records


class _Checker(HTMLParser):
    """Every element is closed, and nothing is loaded from elsewhere."""

    VOID = ("meta", "br", "img", "path", "use", "rect", "image")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.figures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href"):
                assert str(value).startswith(("#", "data:image/png;base64,")), (tag, value)
        self.figures += tag == "svg"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            return
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def check_page(report: Report) -> _Checker:
    page = render(report, "html")
    assert len(page) < 1_500_000
    checker = _Checker()
    checker.feed(page)
    assert checker.open == []
    assert "nan" not in re.findall(r"[a-z]+", " ".join(checker.texts))
    return checker


def everything(report: Report) -> str:
    """All texts of a report, after every form of it was written."""
    check_page(report)
    json.loads(render(report, "json"))
    return render(report, "md").replace("\\", "")


def make_overfitting_records(study: Study) -> list[TrialRecord]:
    """Without l2 the validation loss turns after the second of four epochs, and rises by 0.2 and a little luck."""

    def bent(record: TrialRecord) -> TrialRecord:
        luck = 0.001 * record.replicate
        losses = (0.6, 0.5, 0.6, 0.7 + luck) if record.params["l2"] == 0 else (0.6, 0.55, 0.52, 0.51)
        history = tuple(
            replace(epoch, metrics={**epoch.metrics, "val_loss": loss, "accuracy": 0.99})
            for epoch, loss in zip(record.history, losses, strict=True)
        )
        return replace(record, history=history)

    records = make_grid_records(study, epochs=4, value=lambda cell, replicate: 0.9 + 0.001 * replicate)
    return [bent(record) for record in records]


def test_findings_tell_where_levels_differ_in_overfitting_and_what_the_study_shows() -> None:
    vary = {"l2": Choice(0.0, 0.01)}
    study = make_study(vary=vary, design=Grid(replicates=4), shows=("rise", "gap"))
    report = build_report(study, make_overfitting_records(study), figures=False)
    told = next(detail for detail in report.details if detail.startswith("Overfitting depends on l2"))
    assert "with 0 the validation loss is lowest after epoch 2 on average and rises by 0.2015" in told
    assert "with 0.01 it rises by 0.0000" in told
    assert told.endswith("lie within 0.0000, so stopping early does as well.")
    line = next(finding for finding in report.findings if finding.startswith("rise, gap: "))
    assert "0.2015, 0.0885 " in line
    assert "0.0000, 0.0885 " in line


def test_nothing_is_said_of_overfitting_where_the_levels_do_not_differ_in_it() -> None:
    study = make_study(vary={"l2": Choice(0.0, 0.01)}, design=Grid(replicates=4))
    report = build_report(study, make_grid_records(study), figures=False)
    assert not any("Overfitting" in detail for detail in report.details)


def test_where_all_replicates_have_the_same_rows_nothing_is_claimed_of_new_data(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.write_text("day,amount,label\n" + "".join(f"2024-01-{1 + n % 28:02},{n},{n % 2}\n" for n in range(80)))
    table = data.resolved(Table(str(file), target="label", time="day"), Settings.load({}))
    study = make_study(dataset=table, vary={"optimizer": Choice("sgd", "adam")})
    records = make_grid_records(study, value=lambda cell, replicate: 0.5 + 0.1 * cell.number + 0.001 * replicate)
    report = build_report(study, records, figures=False)
    assert "95 % interval on these data" in report.details[0]
    assert "nothing is claimed of new data" in report.details[0]
    assert not any("(on new data, too)" in detail for detail in report.details)


def test_the_findings_name_the_best_level_with_its_interval_and_what_is_not_distinguishable() -> None:
    study = make_study(vary={"optimizer": Choice("sgd", "momentum", "adam")}, base={}, design=Grid(replicates=4))
    noise = {"sgd": (0, 0, 0, 0), "momentum": (0.30, 0.31, 0.33, 0.30), "adam": (0.31, 0.29, 0.34, 0.31)}
    records = make_grid_records(
        study,
        value=lambda cell, replicate: 0.5 + 0.01 * replicate + noise[str(cell.params["optimizer"])][replicate],
    )
    report = build_report(study, records, figures=False)
    assert report.findings == (
        "Use adam (val_accuracy 0.8275; chance 0.1000).",
        "Undecided, the likeliest first: momentum.",
        "Ruled out: 1 of 3, such as sgd.",
        report.findings[3],
    )
    assert re.fullmatch(r"Next: hpstudy extend optimizers --replicates adaptive \(at most .*\)\.", report.findings[3])
    assert all(len(finding) <= 80 for finding in report.findings)
    assert "Undecided: momentum −0.0025. Worse: sgd −0.3125 (on new data, too)." in report.details[1]
    against = build_report(study, records, baseline=["sgd"], figures=False)
    # adam - sgd by hand: mean 0.3125, s = 0.020616, half width 3.182446 · s / 2 = 0.0328
    assert "Against the baseline sgd: adam +0.3125 (95 % interval +0.2797 to +0.3453, p < 0.001)" in against.details[1]


def test_a_grid_has_every_section_in_every_form() -> None:
    study = make_study()
    report = build_report(study, make_grid_records(study))
    text = everything(report)
    for title in ("Configurations", "Factor optimizer", "Factor learning_rate", "Interactions and variance", "Methods"):
        assert f"## {title}" in text
    assert check_page(report).figures >= 10
    assert "Nadeau & Bengio 2003" in text
    assert "Hsu 1981" in text


def test_the_answer_stands_beside_a_picture_of_all_configurations() -> None:
    page = render(build_report(make_study(), make_grid_records(make_study())), "html")
    findings = page[page.index('id="findings"') : page.index('id="details"')]
    assert all(f">{name}" in findings for name in ("All configurations, the best first", "chance</text"))
    assert findings.index("<li>Use ") < findings.index("<svg")


def test_the_same_trials_give_the_same_files() -> None:
    study = make_study()
    records = make_grid_records(study)
    one, other = (render(build_report(study, records), "html") for _ in range(2))
    assert one == other


def test_one_replicate_has_no_interval_and_no_p_value_and_says_so() -> None:
    study = make_study(design=Grid(replicates=1))
    report = build_report(study, make_grid_records(study))
    text = everything(report)
    assert "one replicate says nothing of whether that is more than chance" in text
    assert "p <" not in " ".join(report.details)
    assert "--replicates 5" in text
    assert all(level["p"] is None for level in report.data["factors"]["optimizer"]["levels"])


def test_one_level_one_trial_and_no_factor() -> None:
    one_level = make_study(vary={"optimizer": Choice("adam")}, base={}, design=Grid(replicates=2))
    assert "optimizer=adam" in everything(build_report(one_level, make_grid_records(one_level)))
    nothing = make_study(vary={}, design=Grid(replicates=1))
    assert "the one configuration" in everything(build_report(nothing, make_grid_records(nothing)))


def test_a_study_without_trials_says_that_nothing_is_there_yet() -> None:
    for study in (make_study(), make_search()):
        report = build_report(study, [])
        assert not report.is_finished
        assert report.status.startswith("Not finished: 0 of")
        everything(report)


def test_a_study_whose_trials_all_failed_says_why() -> None:
    study = make_study()
    failed = [
        replace(
            record, state=TrialState.FAILED, values=None, metrics={}, error="loss became infinite in epoch 2: diverged"
        )
        for record in make_grid_records(study)
    ]
    report = build_report(study, failed)
    text = everything(report)
    assert "No trial is complete" in text
    assert "54 of 54 trials failed: loss became infinite in epoch 2: diverged" in text


def test_failures_are_laid_at_the_level_that_causes_them() -> None:
    study = make_study()
    records = [
        replace(
            record, state=TrialState.FAILED, values=None, metrics={}, error=f"loss became infinite in epoch {place}"
        )
        if record.params["optimizer"] == "sgd" and record.params["learning_rate"] == 0.1
        else record
        for place, record in enumerate(make_grid_records(study))
    ]
    report = build_report(study, records)
    text = everything(report)
    assert "3 of 54 trials failed: loss became infinite" in text
    assert "optimizer is compared over 2 of 3 combinations" in text
    assert "learning_rate is compared over 5 of 6 combinations" in text
    (section,) = (section for section in report.sections if section.title == "Failures")
    assert len(section.tables[0].rows) == 1  # epochs 1, 2 and 3 are one reason


@pytest.mark.parametrize("version", ["now", "earlier"])
def test_a_level_that_diverges_does_not_look_best_whatever_version_recorded_it(version: str) -> None:
    """Earlier versions have such trials as failed; the one context left then is the one in which all levels are bad."""
    vary = {"activation": Choice("relu", "sigmoid"), "initializer": Choice("normal_1", "he_normal")}
    study = make_study(vary=vary, base={}, design=Grid(replicates=3))
    error = "val_loss became nan in epoch 2: the training diverged. A smaller learning rate usually mends that."
    values = {"relu": (0.1, 0.8), "sigmoid": (0.5, 0.3)}
    records = []
    for record in make_grid_records(study):
        initializer = str(record.params["initializer"])
        value = values[str(record.params["activation"])][initializer == "he_normal"] + record.replicate / 1000
        changed = replace(record, values=(value,))
        if value < 0.2 and version == "now":
            changed = replace(changed, diverged=2, values=(0.1,), history=record.history[:1])
        elif value < 0.2:
            changed = replace(changed, state=TrialState.FAILED, values=None, metrics={}, error=error)
        records.append(changed)
    report = build_report(study, records)
    text = everything(report)
    assert report.findings[0].startswith("Use relu, he_normal (val_accuracy 0.8010")
    assert "initializer: he_normal has the best mean val_accuracy, 0.5510" in text
    assert "Diverged: 3 of 12 trials: activation=relu (3 of 6); 1 more." in report.findings
    assert "above all with activation=relu (3 of 6) and initializer=normal_1 (3 of 6)" in text
    assert "12 complete (3 diverged), 0 pruned, 0 failed" in report.status
    assert report.data["overview"]["diverged"] == 3
    worst = report.data["cells"][-1]
    assert (worst["diverged"], worst["mean"]["mean"]) == (3, pytest.approx(0.1))
    (section,) = (section for section in report.sections if section.title == "Divergence")
    assert [row[:2] for row in section.tables[0].rows] == [("activation", "relu"), ("initializer", "normal_1")]


def test_what_one_has_without_a_network_stands_beside_the_scores() -> None:
    study = make_study()
    simple = {
        "loss": 0.5,
        "accuracy": 0.8,
        "val_loss": 0.6,
        "val_accuracy": 0.79,
        "test_loss": 0.7,
        "test_accuracy": 0.78,
    }
    baselines = Baselines(
        constant={name: value / 10 for name, value in simple.items()},
        logistic=simple,
        loss="cross_entropy",
        seeds=(42,),
        fitted_rows=20_000,
        train_rows=48_000,
        at=1.0,
    )
    report = build_report(study, make_grid_records(study), evaluation=make_evaluation(), baselines=baselines)
    text = everything(report)
    assert "chance 0.0790; logistic regression 0.7900)." in report.findings[0]
    assert report.details[1] == (
        "Without a network: constant predictor 0.0790, logistic regression 0.7900 (val_accuracy, fitted on 20,000 of "
        "48,000 training rows); on the test split accuracy 0.0780 and 0.7800."
    )
    assert "| logistic regression | 0.7900 | 0.7800 |" in text
    assert report.data["baselines"]["logistic"] == simple
    without = replace(baselines, logistic={}, constant={name: simple[name] for name in ("val_loss", "val_accuracy")})
    report = build_report(make_study(objective="val_loss"), make_grid_records(study), baselines=without)
    everything(report)
    assert report.details[0] == "Without a network: constant predictor 0.6000 (val_loss)."


def test_a_running_study_is_reported_as_far_as_it_is_and_says_so() -> None:
    study = make_study()
    records = sorted(make_grid_records(study), key=lambda record: record.replicate)[:40]
    records[-1] = replace(records[-1], state=TrialState.RUNNING, values=None, metrics={}, ended=None)
    report = build_report(study, records)
    assert report.status.startswith("Not finished: 39 of 54 trials (39 complete, 0 pruned, 0 failed; 1 in training)")
    assert "2 of 3 replicates" in everything(report)


def test_values_and_metrics_that_are_no_numbers() -> None:
    study = make_study()
    records = make_grid_records(study)
    epoch = replace(records[0].history[0], metrics={**records[0].history[0].metrics, "val_accuracy": math.nan})
    records[0] = replace(records[0], values=(math.nan,), history=(epoch,), metrics={"train_s": math.nan})
    text = everything(build_report(study, records))
    assert "1 trial ended with a value that is not finite" in text


def test_conditional_factors_are_compared_where_they_exist() -> None:
    vary = {"optimizer": Choice("sgd", "adam"), "momentum": Choice(0.0, 0.9, when={"optimizer": "sgd"})}
    study = make_study(vary=vary, base={})
    report = build_report(study, make_grid_records(study))
    everything(report)
    assert set(report.data["factors"]) == {"optimizer", "momentum"}


def test_korean_labels_and_markup_in_levels_stay_what_they_are() -> None:
    study = make_study(
        vary={"활성화": Choice("시그모이드", "<script>alert(1)</script>|*")},
        base={},
        network_digest="digest",
        question="<b>질문</b>",
    )
    records = [
        make_record(3 * cell.number + replicate, params=cell.params, cell=cell.number, replicate=replicate)
        for cell in study.cells()
        for replicate in range(3)
    ]
    report = build_report(study, records)
    page = render(report, "html")
    check_page(report)
    assert "시그모이드" in page
    assert "<script>alert" not in page
    assert "<b>질문" not in page
    assert "<script>" not in render(report, "md")


def test_two_thousand_trials_make_one_small_file() -> None:
    vary = {"units": Choice(*range(10, 30)), "dropout": Choice(*(0.01 * step for step in range(20)))}
    study = make_study(vary=vary, base={}, design=Grid(replicates=5))
    records = make_grid_records(study)
    assert len(records) == 2000
    check_page(build_report(study, records))
    search = make_search(trials=2000)
    check_page(build_report(search, make_search_records(search, trials=2000)))


def test_a_search_ranks_its_factors_and_shows_what_pruning_saved() -> None:
    study = make_search()
    records = make_search_records(study, trials=60, pruned=20)
    report = build_report(study, records)
    text = everything(report)
    assert report.data["importances"]
    first = max(report.data["importances"].items(), key=lambda item: item[1]["ped_anova"])
    assert first[0] == "learning_rate"
    assert "Pruning ended 20 trials early and saved 120 epochs (75 % of theirs), about 30.0 s of training." in text
    for title in ("Best trials", "Importance", "The search"):
        assert title in [section.title for section in report.sections]


def test_nothing_was_saved_by_pruning_a_trial_that_had_all_of_its_epochs() -> None:
    """As earlier versions did it."""
    study = make_search()
    records = make_search_records(study, trials=12, pruned=4)
    whole = [
        make_record(number, params=records[number].params, state=TrialState.PRUNED, epochs=8) for number in range(3)
    ]
    assert "Pruning ended 1 trial early and saved 6 epochs (75 %" in everything(
        build_report(study, [*whole, *records[3:]], figures=False)
    )
    assert "Pruning" not in everything(build_report(study, [*whole, *records[4:]], figures=False)).replace(
        "pruning", ""
    )


def test_a_repeated_trial_is_counted_and_neither_its_time_nor_its_place_is_counted_twice() -> None:
    study = make_search()
    records = make_search_records(study, trials=12)
    best = search_result(study, records).complete[0]
    second = search_result(study, records).complete[1]
    repeats = [replace(best, number=number, repeats=best.number) for number in (12, 13)]
    pruned = replace(make_record(14, params=best.params, state=TrialState.PRUNED, epochs=2), repeats=best.number)
    report = build_report(study, [*records, *repeats, pruned], figures=False)
    text = everything(report)
    assert "3 of 15 trials repeat an earlier configuration and were not trained again." in text
    assert "15 trials with 96 epochs took 24.0 s of training" in text
    assert f"The best trial is {best.number}" in text
    assert f"The second, trial {second.number}, reached" in text
    assert [row["trial"] for row in report.data["best"]].count(best.number) == 1
    assert len(report.data["best"]) == 12
    assert report.data["saving"] is None
    assert "12 of 14 complete trials" in text
    assert "2 that repeat others are left out" in text


def test_importances_leave_out_what_not_every_trial_has() -> None:
    study = make_search()
    found = {importance.factor: importance for importance in importances(study, make_search_records(study))}
    assert found["momentum"].fanova is None
    assert sum(importance.fanova or 0.0 for importance in found.values()) == pytest.approx(1.0)
    assert (found["learning_rate"].fanova or 0.0) > 0.8


def test_a_pareto_front_holds_what_no_other_trial_beats() -> None:
    study = make_study(
        vary={"units": Int(1, 100)},
        base={},
        design=Search(finalists=0, trials=4),
        objective=["val_accuracy", "parameters"],
    )
    values = [(0.9, 100.0), (0.8, 50.0), (0.7, 60.0), (0.9, 120.0)]
    records = [
        make_record(number, params={"units": 10 + number}, values=pair, cell=None) for number, pair in enumerate(values)
    ]
    assert {record.number for record in search_result(study, records).front} == {0, 1}
    assert "2 trials of 4 form the Pareto front of val_accuracy and parameters" in everything(
        build_report(study, records)
    )


def test_a_best_level_at_the_end_of_its_range_is_told() -> None:
    study = make_study(
        vary={"learning_rate": Float(1e-4, 1e-1, log=True)}, base={}, design=Search(finalists=0, trials=12)
    )
    records = [
        make_record(number, params={"learning_rate": 10 ** -(1 + 0.25 * number)}, value=0.9 - 0.01 * number, cell=None)
        for number in range(12)
    ]
    assert "lies at the upper end of its range" in everything(build_report(study, records))


def test_files_appear_whole_in_a_folder_that_is_made(tmp_path: Path) -> None:
    study = make_study()
    report = build_report(study, make_grid_records(study), figures=False)
    paths = write_report(report, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["report.html", "report.md"]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["report.html", "report.md"]
    (tmp_path / "file").write_text("")
    with pytest.raises(HpstudyError, match="cannot be written"):
        write_report(report, tmp_path / "file")


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(UserError, match=r"no baseline 'adm'\. Did you mean"):
        build_report(make_study(), [], baseline=["adm"])


def fill_database(home: Path, study: Study) -> None:
    """A finished grid in the database, by the ways that workers go."""
    store = Store(make_settings(home).storage)
    queue = store.register(study)
    while claim := queue.claims.claim(Owner.of_process()):
        history = make_record(epochs=2).history
        value = 0.5 + 0.1 * (claim.start.cell or 0) + 0.01 * claim.start.replicate**2 * (claim.start.cell or 0)
        metrics = {"val_accuracy": value, "parameters": 10.0, "train_s": 1.0}
        claim.complete(Outcome(metrics=metrics, history=history, provenance={"dataset_digest": "d"}))
    store.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    for name in ("one", "two"):
        vary = {"optimizer": Choice("sgd", "adam")}
        fill_database(home, make_study(name=name, vary=vary, base={"epochs": 2}))
    return home


def run(home: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, [*arguments, "--home", str(home)])
    assert result.exit_code == code, result.output
    return result.output


def test_the_command_prints_findings_and_writes_both_files(home: Path) -> None:
    output = run(home, "report", "one")
    assert "Finished: 6 of 6 trials" in output
    assert "The best configuration is optimizer=adam" in output
    assert "Factor optimizer" in output
    assert (home / "reports" / "one" / "report.html").exists()
    assert (home / "reports" / "one" / "report.md").exists()


def test_the_command_prints_json_for_scripts(home: Path) -> None:
    values = json.loads(run(home, "report", "one", "--format", "json", "--baseline", "sgd"))
    assert values["factors"]["optimizer"]["reference"] == "sgd"
    assert values["factors"]["optimizer"]["baseline"] is True


def test_the_command_writes_one_format_into_a_folder(home: Path, tmp_path: Path) -> None:
    run(home, "report", "one", "--format", "md", "-o", str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.md"]


def test_a_wrong_baseline_is_wrong_usage(home: Path) -> None:
    assert "no baseline 'nope'" in run(home, "report", "one", "--baseline", "nope", code=2)


def test_studies_side_by_side(home: Path) -> None:
    output = run(home, "compare", "one", "two")
    assert "2 studies on scikit-learn digits, best first" in output
    assert "0.0000" in output  # the same trials: no difference
    assert [row["study"] for row in json.loads(run(home, "compare", "one", "two", "--json"))] == ["one", "two"]
    assert "at least two studies" in run(home, "compare", "one", "one", code=2)


def test_studies_on_other_datasets_are_not_compared(home: Path) -> None:
    fill_database(home, make_study(name="gates", dataset="logic_gates", vary={}, base={}, design=Grid(replicates=1)))
    assert "Only studies with the same dataset can be compared" in run(home, "compare", "one", "gates", code=2)


def test_the_commands_of_the_documentation_work(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for those that train: `test_reproduce.py` and `test_evaluation.py` run them."""
    for name in ("optimizers", "scaling"):
        fill_database(home, make_study(name=name, vary={"optimizer": Choice("sgd", "adam")}, base={"epochs": 2}))
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parent.parent / "docs" / "report.md").read_text("utf-8")
    block = text.split("```")[1]
    commands = [line.split("#")[0].split()[1:] for line in block.strip().splitlines()]
    assert len(commands) == 9
    for command in commands:
        assert command[0] in main.list_commands(click.Context(main))  # type: ignore[attr-defined]
        if command[0] not in ("reproduce", "evaluate"):
            run(home, *command)
    assert (tmp_path / "report.html").exists()
