"""Trackers: what every one of them promises, and a study that has none."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import hpstudy
from factories import make_evaluation, make_grid_records, make_mlflow_settings, make_settings, make_study
from hpstudy import Grid, Study
from hpstudy.cli import main
from hpstudy.errors import NotFoundError, UserError
from hpstudy.report.build import build_report
from hpstudy.settings import Settings
from hpstudy.tracking import tracker_of


@pytest.fixture(params=["mlflow", "none"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "mlflow":
        return make_mlflow_settings(tmp_path / "home")
    return make_settings(tmp_path / "home", tracking_uri="none", artifact_root=None)


def test_a_copy_is_made_once_and_forgotten(settings: Settings) -> None:
    """What any tracker promises to the supervisor."""
    study = make_study()
    records = make_grid_records(study)
    mirror = tracker_of(settings).mirror(study, identity=lambda: "one")
    first = mirror.sync(records, state="finished", complete=True)
    again = mirror.sync(records, state="finished", complete=True)
    assert first.created in (0, len(records))
    assert (again.created, again.updated, again.deleted) == (0, 0, 0)
    assert mirror.is_finished()
    mirror.keep_report(build_report(study, records, figures=False))
    assert mirror.keep_model(make_evaluation()) is None, "no networks lie here"
    mirror.refresh()
    assert mirror.forget(records) is None
    assert "full" in mirror.explain(OSError("the disk is full"))


def test_a_study_without_a_tracker_is_whole_and_leaves_no_copy(tmp_path: Path) -> None:
    study = Study(name="alone", dataset="logic_gates", base={"epochs": 1}, design=Grid())
    home = tmp_path / "home"
    result = hpstudy.run(study, home=home, tracking_uri="none", processes=1, show=False)
    assert result.progress().state == "finished"
    assert result.evaluation is not None
    baselines = result.baselines()
    assert baselines is not None
    assert baselines.constant.keys() >= {"val_accuracy", "test_accuracy"}
    assert str(result.sync()) == "0 created, 0 updated, 0 unchanged, 0 deleted"
    assert "href" not in result._repr_html_()
    with pytest.raises(NotFoundError, match="Models are kept in a tracker"):
        result.model()
    assert not (home / "mlflow.db").exists()
    where = ["--home", str(home), "--tracking-uri", "none"]
    page = CliRunner().invoke(main, ["ui", *where])
    assert (page.exit_code, "There is no tracker to browse" in page.output) == (2, True)
    assert "No tracker is used" in CliRunner().invoke(main, ["doctor", *where]).output
    result.delete()


def test_a_model_cannot_be_registered_nowhere(tmp_path: Path) -> None:
    tracker = tracker_of(make_settings(tmp_path, tracking_uri="none", artifact_root=None))
    with pytest.raises(UserError, match="Leave it out"):
        tracker.register("models:/1", "numbers")
