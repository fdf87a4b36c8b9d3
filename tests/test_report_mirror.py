"""The report on the study's run in MLflow: there, sent once, and a description that people wrote left alone."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import mlflow
import numpy as np
import pytest

from factories import make_evaluation, make_grid_records, make_mlflow_settings, make_study
from hpstudy.evaluation.evaluate import scores
from hpstudy.report.build import build_report
from hpstudy.report.render.files import render
from hpstudy.report.render.markdown import findings_markdown
from hpstudy.report.render.pictures import pictures
from hpstudy.tracking.mlflow import Mirror
from hpstudy.tracking.mlflow.connection import connect

NOTE = "mlflow.note.content"


@pytest.fixture
def mirror_and_client(tmp_path: Path) -> tuple[Mirror, mlflow.MlflowClient]:
    settings = make_mlflow_settings(tmp_path / "home")
    return Mirror(settings, make_study()), connect(settings)


def attach(mirror: Mirror, trials: int = 54) -> str:
    study = make_study()
    report = build_report(study, make_grid_records(study)[:trials], figures=False)
    mirror.attach_report({f"report.{form}": render(report, form) for form in ("html", "md")}, findings_markdown(report))
    return report.findings[0]


def test_files_and_findings_are_on_the_run_of_the_study(
    mirror_and_client: tuple[Mirror, mlflow.MlflowClient],
) -> None:
    mirror, client = mirror_and_client
    attach(mirror)
    run = client.get_run(mirror.parent_run_id())
    assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {"report.html", "report.md"}
    assert run.data.tags[NOTE].startswith("Finished: 54 of 54 trials")
    assert "Which optimizer is best?" in run.data.tags[NOTE]


def test_a_newer_report_replaces_the_older_one_and_the_same_is_not_sent_again(
    mirror_and_client: tuple[Mirror, mlflow.MlflowClient],
) -> None:
    mirror, client = mirror_and_client
    attach(mirror, trials=30)
    assert client.get_run(mirror.parent_run_id()).data.tags[NOTE].startswith("Not finished: 30 of 54")
    attach(mirror)
    run = client.get_run(mirror.parent_run_id())
    assert run.data.tags[NOTE].startswith("Finished: 54 of 54")
    mirror.refresh()
    attach(mirror)
    assert client.get_run(mirror.parent_run_id()).data.tags == run.data.tags


def test_a_description_that_people_wrote_stays(mirror_and_client: tuple[Mirror, mlflow.MlflowClient]) -> None:
    mirror, client = mirror_and_client
    attach(mirror, trials=30)
    client.set_tag(mirror.parent_run_id(), NOTE, "우리의 결론")
    mirror.refresh()
    attach(mirror)
    assert client.get_run(mirror.parent_run_id()).data.tags[NOTE] == "우리의 결론"


def test_the_test_accuracy_says_of_what_it_is(mirror_and_client: tuple[Mirror, mlflow.MlflowClient]) -> None:
    mirror, client = mirror_and_client
    study = make_study()
    best = {"optimizer": "adam", "learning_rate": 0.1}
    for params, text in ((best, "optimizer=adam, learning_rate=0.1"), ({"optimizer": "sgd"}, "optimizer=sgd")):
        evaluation = make_evaluation(params=params)
        report = build_report(study, make_grid_records(study), evaluation=evaluation, figures=False)
        mirror.keep_report(report)
        older = "" if params == best else "; older than the choice"
        tags = client.get_run(mirror.parent_run_id()).data.tags
        assert tags["hpstudy.test_score"] == f"{text}; seeds 42, 43, 44{older}"


def test_studies_can_be_sorted_by_their_figures_which_are_sent_once(
    mirror_and_client: tuple[Mirror, mlflow.MlflowClient],
) -> None:
    mirror, client = mirror_and_client
    study = make_study()
    predictions = np.random.default_rng(0).dirichlet(np.ones(2), (3, 50))
    evaluation = make_evaluation(**scores(predictions, np.arange(50) % 2, ("a", "b")))
    report = build_report(study, make_grid_records(study), evaluation=evaluation, figures=False)
    for _ in range(2):
        mirror.keep_report(report)
        mirror.refresh()
    run = client.get_run(mirror.parent_run_id())
    assert run.data.metrics["test_accuracy"] == pytest.approx(np.mean(evaluation.accuracy))
    assert run.data.metrics.keys() == {"mean_val_accuracy", "test_accuracy", "test_accuracy_ensemble"}
    low, high = map(float, run.data.tags["hpstudy.interval.mean_val_accuracy"].split(" to "))
    assert low < run.data.metrics["mean_val_accuracy"] < high
    assert run.data.tags["hpstudy.interval.test_accuracy_ensemble"].startswith(f"{evaluation.ensemble.low:.6g} to ")
    assert len(client.get_metric_history(run.info.run_id, "mean_val_accuracy")) == 1


def test_figures_are_files_that_any_viewer_shows() -> None:
    study = make_study()
    report = build_report(study, make_grid_records(study))
    found = pictures(report)
    figures = [*report.pictures, *(figure for section in report.sections for figure in section.figures)]
    assert len(found) == len(figures)
    with_legend = next(figure for figure in figures if figure.legend)
    texts = [text for text in found.values() if f"<title>{with_legend.title}" in text]
    assert all(label in texts[0] for _, label in with_legend.legend)
    for text in found.values():
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
