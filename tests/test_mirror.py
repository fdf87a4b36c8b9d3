"""The mirror makes MLflow equal to the trials. Real SQLite stores of MLflow."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from factories import (
    START,
    make_grid_records,
    make_history,
    make_mlflow_settings,
    make_record,
    make_settings,
    make_study,
)
from hpstudy import Choice, Float, Grid, Objective, Search
from hpstudy.errors import MirrorError
from hpstudy.records import TrialState
from hpstudy.settings import Settings
from hpstudy.tracking.mlflow import Mirror, private
from hpstudy.tracking.mlflow import client as mlflow_client
from hpstudy.tracking.mlflow.connection import connect
from hpstudy.tracking.mlflow.contents import MODEL_TAG
from hpstudy.tracking.mlflow.page import shared_view

# MLflow 3.17 still uses a loader strategy that SQLAlchemy 2.1 deprecates.
EPOCH_METRICS = {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_mlflow_settings(tmp_path / "home")


def runs_of(settings: Settings, role: str = "trial", study: str = "optimizers") -> list[Any]:
    """What a person sees in MLflow, the earliest run first."""
    client = connect(settings)
    experiment = client.get_experiment_by_name(study)
    runs = client.search_runs([experiment.experiment_id], filter_string=f"tags.`hpstudy.role` = '{role}'")
    return sorted(runs, key=lambda run: run.info.start_time)


def points_of(settings: Settings, run_id: str, key: str) -> list[tuple[int, float, int]]:
    history = connect(settings).get_metric_history(run_id, key)
    return sorted((point.step, point.value, point.timestamp) for point in history)


def test_each_trial_becomes_one_run_with_everything_that_is_known_of_it(settings: Settings) -> None:
    record = make_record(provenance={"dataset_digest": "d" * 64, "git_commit": "abc", "version_keras": "3.15.1"})

    summary = Mirror(settings, make_study()).sync([record], state="running")

    (run,) = runs_of(settings)
    (parent,) = runs_of(settings, "study")
    assert (summary.created, summary.updated, summary.unchanged) == (1, 0, 0)
    assert run.info.run_name == "adam · lr 0.001 · r0"
    assert run.info.status == "FINISHED"
    assert run.info.start_time == round(START.timestamp() * 1000)
    assert run.info.end_time == run.info.start_time + 4000
    assert run.data.params["optimizer"] == "adam"
    assert run.data.params["units"] == "16"
    assert "early_stopping" not in run.data.params
    expected = {
        "mlflow.parentRunId": parent.info.run_id,
        "hpstudy.study": "optimizers",
        "hpstudy.trial": "0",
        "hpstudy.state": "complete",
        "hpstudy.cell": "0",
        "hpstudy.replicate": "0",
        "hpstudy.seed": "42",
        "hpstudy.attempt": "1",
        "hpstudy.dataset": "digits",
        "hpstudy.dataset_digest": "d" * 64,
        "hpstudy.version_keras": "3.15.1",
        "hpstudy.host": "worker-1",
        "hpstudy.device": "a CPU",
        "mlflow.source.git.commit": "abc",
    }
    assert run.data.tags.items() >= expected.items()
    assert run.data.metrics.keys() == EPOCH_METRICS | {"epochs", "parameters", "train_s", "objective"}
    assert run.data.metrics["objective"] == 0.9
    assert points_of(settings, run.info.run_id, "loss") == [
        (number, 1.0 / number, run.info.start_time + 1000 * number) for number in (1, 2, 3)
    ]
    (logged,) = run.inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.digest) == ("digits", "d" * 36)


def test_syncing_again_changes_nothing(settings: Settings) -> None:
    study = make_study()
    records = make_grid_records(study)[:5]
    mirror = Mirror(settings, study)
    mirror.sync(records, state="finished")
    before = [run.to_dictionary() for role in ("study", "trial") for run in runs_of(settings, role)]

    again = mirror.sync(records, state="finished")
    checked = mirror.sync(records, state="finished", complete=True)
    elsewhere = Mirror(settings, study).sync(records, state="finished")

    assert again == checked == elsewhere
    assert (again.created, again.updated, again.unchanged, again.deleted) == (0, 0, 5, 0)
    assert [run.to_dictionary() for role in ("study", "trial") for run in runs_of(settings, role)] == before


def test_states_become_statuses(settings: Settings) -> None:
    error = "loss became nan in epoch 2"
    records = [
        make_record(0, state=TrialState.PRUNED),
        make_record(1, state=TrialState.FAILED, error=error),
        make_record(2, state=TrialState.LOST, error="its process died"),
        make_record(3, attempt=2, retry_of=2, repeats=0),
        make_record(4, state=TrialState.RUNNING),
    ]

    Mirror(settings, make_study()).sync(records, state="running")

    runs = runs_of(settings)
    assert [run.info.status for run in runs] == ["FINISHED", "FAILED", "KILLED", "FINISHED", "RUNNING"]
    assert [run.data.tags.get("hpstudy.pruned") for run in runs] == ["true", None, None, None, None]
    assert runs[1].data.tags["hpstudy.error"] == error
    assert (runs[3].data.tags["hpstudy.retry_of"], runs[3].data.tags["hpstudy.repeats"]) == ("2", "0")
    assert "hpstudy.repeats" not in runs[0].data.tags
    assert runs[3].info.run_name.endswith("attempt 2")


@pytest.mark.parametrize(("state", "status"), [("running", "RUNNING"), ("finished", "FINISHED"), ("stopped", "KILLED")])
def test_the_parent_run_shows_the_state_of_the_study(settings: Settings, state: str, status: str) -> None:
    Mirror(settings, make_study()).sync([make_record()], state=state)

    (parent,) = runs_of(settings, "study")
    assert parent.info.status == status
    assert parent.info.run_name == "optimizers"


def test_nothing_is_left_running_after_a_sync_in_which_nothing_runs(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record(state=TrialState.RUNNING)], state="running")

    mirror.sync([make_record()], state="finished")

    assert {run.info.status for role in ("study", "trial") for run in runs_of(settings, role)} == {"FINISHED"}


def test_a_stopped_study_runs_again(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record()], state="stopped")

    mirror.sync([make_record(), make_record(1, state=TrialState.RUNNING)], state="running")

    assert runs_of(settings, "study")[0].info.status == "RUNNING"


def test_a_running_trial_grows_and_no_point_is_there_twice(settings: Settings) -> None:
    study, history = make_study(), make_history(4)
    mirror = Mirror(settings, study)
    for epochs in (0, 1, 3):
        mirror.sync([make_record(state=TrialState.RUNNING, history=history[:epochs])], state="running")

    elsewhere = Mirror(settings, study)  # as after a restart
    elsewhere.sync([make_record(history=history)], state="running")
    elsewhere.sync([make_record(history=history)], state="finished", complete=True)

    (run,) = runs_of(settings)
    assert [step for step, _, _ in points_of(settings, run.info.run_id, "val_loss")] == [1, 2, 3, 4]


def test_points_that_a_killed_mirror_had_sent_unmarked_are_not_doubled(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record(state=TrialState.RUNNING)], state="running")
    client, run_id = connect(settings), mirror.run_id(0)
    client.set_tag(run_id, "hpstudy.points", "6")

    Mirror(settings, make_study()).sync([make_record()], state="finished")

    assert run_id
    assert len(points_of(settings, run_id, "loss")) == 3


def test_nan_and_infinity_are_kept(settings: Settings) -> None:
    history = make_history(1)
    wild = replace(history[0], metrics={**history[0].metrics, "loss": math.nan, "val_loss": math.inf})
    record = make_record(state=TrialState.FAILED, history=(wild,))
    Mirror(settings, make_study()).sync([record], state="running")

    again = Mirror(settings, make_study()).sync([record], state="running")

    (run,) = runs_of(settings)
    assert math.isnan(run.data.metrics["loss"])
    assert run.data.metrics["val_loss"] > 1e300
    assert again.unchanged == 1


def test_a_diverged_trial_ends_with_the_scores_of_the_constant_predictor(settings: Settings) -> None:
    record = make_record(epochs=3)
    record = replace(record, values=(0.1,), diverged=4, metrics={**record.metrics, "val_accuracy": 0.1})
    Mirror(settings, make_study()).sync([record], state="running")
    (run,) = runs_of(settings)
    assert (run.info.status, run.data.tags["hpstudy.diverged"]) == ("FINISHED", "4")
    assert (run.data.metrics["objective"], run.data.metrics["val_accuracy"]) == (0.1, 0.1)


def test_a_long_history_is_sent_whole(settings: Settings) -> None:
    Mirror(settings, make_study()).sync([make_record(epochs=400)], state="running")

    (run,) = runs_of(settings)
    assert len(points_of(settings, run.info.run_id, "val_accuracy")) == 400
    assert run.info.status == "FINISHED"


def test_studies_of_more_runs_than_a_page_are_read_whole(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_client, "PAGE_RUNS", 2)
    records = [make_record(number) for number in range(5)]
    Mirror(settings, make_study()).sync(records, state="running")

    assert Mirror(settings, make_study()).sync(records, state="running").unchanged == 5


def test_runs_of_trials_that_the_database_does_not_know_are_deleted(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record(0), make_record(1)], state="running")

    partial = mirror.sync([make_record(0)], state="running")
    summary = mirror.sync([make_record(0)], state="running", complete=True)

    assert (partial.deleted, summary.deleted) == (0, 1)
    assert [run.data.tags["hpstudy.trial"] for run in runs_of(settings)] == ["0"]


def test_of_duplicates_the_same_one_stays_for_everybody(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record()], state="running")
    (run,) = runs_of(settings)
    (parent,) = runs_of(settings, "study")
    client = connect(settings)
    copies = [
        client.create_run(run.info.experiment_id, start_time=run.info.start_time, tags=run.data.tags).info.run_id,
        run.info.run_id,
    ]
    client.create_run(run.info.experiment_id, start_time=parent.info.start_time + 1, tags=parent.data.tags)

    summary = Mirror(settings, make_study()).sync([make_record()], state="finished")

    assert summary.deleted == 2
    assert [kept.info.run_id for kept in runs_of(settings)] == [min(copies)]
    assert [kept.info.run_id for kept in runs_of(settings, "study")] == [parent.info.run_id]
    assert runs_of(settings)[0].data.metrics["objective"] == 0.9


def test_a_run_deleted_by_hand_comes_back(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record()], state="running")
    connect(settings).delete_run(mirror.run_id(0))

    summary = mirror.sync([make_record()], state="running", complete=True)

    assert summary.created == 1
    assert len(runs_of(settings)) == 1


@pytest.mark.parametrize("forgotten_by", ["a person", "hpstudy delete"])
def test_a_deleted_experiment_is_built_again_under_the_same_name(settings: Settings, forgotten_by: str) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record()], state="finished")
    old = mirror.experiment_id
    if forgotten_by == "a person":
        connect(settings).delete_experiment(old)
    else:
        mirror.forget()
        mirror.forget()

    mirror = Mirror(settings, make_study())
    mirror.sync([make_record()], state="finished")

    assert mirror.experiment_id != old
    assert len(runs_of(settings)) == 1
    buried = connect(settings).get_experiment(old)
    assert buried.lifecycle_stage == "deleted"
    assert buried.name.startswith("optimizers (deleted 20")


def test_a_deleted_store_is_rebuilt(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record()], state="finished")
    fresh = replace(settings, home=settings.home / "b", tracking_uri=f"sqlite:///{settings.home}/b/mlflow.db")
    fresh.home.mkdir()
    shutil.copy(make_mlflow_settings(settings.home / "c").home / "mlflow.db", fresh.home)

    Mirror(fresh, make_study()).sync([make_record()], state="finished")

    kept, rebuilt = (runs_of(place)[0].data for place in (settings, fresh))
    assert (kept.params, kept.metrics) == (rebuilt.params, rebuilt.metrics)


def test_forgetting_what_was_never_mirrored_is_no_error(settings: Settings) -> None:
    assert Mirror(settings, make_study()).forget() is None


def test_a_study_made_anew_while_mlflow_was_away_replaces_the_old_runs(settings: Settings) -> None:
    Mirror(settings, make_study()).sync([make_record()], state="finished")
    later = make_record(started=START + timedelta(days=1), history=make_history(3, start=START + timedelta(days=1)))

    Mirror(settings, make_study()).sync([later], state="finished")

    (run,) = runs_of(settings)
    assert len(points_of(settings, run.info.run_id, "loss")) == 3


def test_an_extended_study_keeps_its_runs_and_its_best_model(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record()], state="finished")
    connect(settings).set_tag(mirror.parent_run_id(), MODEL_TAG, "models:/m-1")
    child = mirror.run_id(0)
    more = [make_record(), make_record(1, value=0.95)]

    mirror = Mirror(settings, make_study(design=Grid(replicates=5)))
    mirror.sync(more, state="finished")

    (parent,) = runs_of(settings, "study")
    assert parent.data.params["budget"] == "90"
    assert parent.data.tags[MODEL_TAG] == "models:/m-1"
    assert parent.data.metrics["best_val_accuracy"] == 0.95
    assert mirror.run_id(0) == child
    assert {run.data.tags["mlflow.parentRunId"] for run in runs_of(settings)} == {parent.info.run_id}


def test_the_parent_run_tells_the_question_and_the_result(settings: Settings) -> None:
    study = make_study()
    records = [make_record(0, value=0.7), make_record(1, value=0.8), make_record(2, value=0.8)]
    records += [make_record(3, state=TrialState.FAILED), make_record(4, state=TrialState.LOST)]
    mirror = Mirror(settings, study, source="# the study file\n")

    mirror.sync(records, state="finished")

    (parent,) = runs_of(settings, "study")
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith("Which optimizer is best?")
    assert "| **learning_rate** | 0.001, 0.01, 0.1 |" in note
    assert parent.data.params == {
        "dataset": "digits",
        "design": "grid, 3 × 18 cells",
        "budget": "54",
        "objective": "val_accuracy (maximize)",
    }
    assert parent.data.tags["hpstudy.best_trial"] == "1"
    assert parent.data.metrics == {"best_val_accuracy": 0.8}
    assert parent.data.tags["hpstudy.trials"] == "3 complete, 0 pruned, 1 failed, 1 lost"
    folder = settings.home / "artifacts" / "optimizers" / mirror.parent_run_id() / "artifacts"
    assert (folder / "study.py").read_text() == "# the study file\n"
    assert json.loads((folder / "study.json").read_text()) == json.loads(study.to_json())


def test_several_objectives_have_a_front_of_best_trials(settings: Settings) -> None:
    study = make_study(objective=("val_accuracy", Objective("parameters")))
    values = [(0.9, 1000.0), (0.8, 500.0), (0.7, 600.0), (0.9, 1000.0)]
    records = [make_record(number, values=pair) for number, pair in enumerate(values)]

    Mirror(settings, study).sync(records, state="finished")

    (parent,) = runs_of(settings, "study")
    assert parent.data.tags["hpstudy.best_trial"] == "0, 1, 3"
    assert parent.data.metrics.items() >= {"best_val_accuracy": 0.9, "best_parameters": 500.0}.items()


def test_names_say_what_varied() -> None:
    from hpstudy.tracking.mlflow.contents import trial_name

    study = make_study(
        vary={
            "activation": Choice("relu", "tanh"),
            "dropout": Choice(0.0, 0.5),
            "augmentation": Choice("none", "flip"),
        },
        design=Search(finalists=0, trials=9),
    )
    params = {"activation": "relu", "dropout": 0.5, "augmentation": "none"}
    assert trial_name(study, make_record(params=params)) == "relu · dropout 0.5 · augmentation none"
    sizes = {"batch_size": Choice(32, "full"), "l2": Choice(0.0, 0.01), "early_stopping": Choice(2, None)}
    assert (
        trial_name(make_study(vary=sizes), make_record(params={"batch_size": "full", "l2": 0.01, "early_stopping": 2}))
        == "batch full · l2 0.01 · patience 2 · r0"
    )
    own = make_study(vary={"lr": Choice(1, 2), "learning_rate": Choice(0.1, 0.2)}, network_digest="a digest")
    assert trial_name(own, make_record(params={"lr": 1, "learning_rate": 0.1})) == "lr 1 · learning_rate 0.1 · r0"
    bare = make_study(vary={}, design=Grid(replicates=1))
    assert trial_name(bare, make_record(7, params={})) == "trial 7"


def test_a_trial_gets_its_name_and_params_when_its_levels_are_decided(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    for params in ({}, {"optimizer": "sgd"}):
        mirror.sync([make_record(state=TrialState.RUNNING, params=params, history=())], state="running")
        (run,) = runs_of(settings)
        assert (run.info.run_name, run.data.params) == ("trial 0", params)
    first = mirror.run_id(0)

    mirror.sync([make_record(params={"optimizer": "sgd", "learning_rate": 0.1})], state="running")

    (run,) = runs_of(settings)
    assert run.info.run_id == first
    assert run.info.run_name == "sgd · lr 0.1 · r0"
    assert run.data.params.items() >= {"optimizer": "sgd", "learning_rate": "0.1", "units": "16"}.items()


def test_a_run_that_somebody_renamed_keeps_its_name(settings: Settings) -> None:
    mirror = Mirror(settings, make_study())
    mirror.sync([make_record()], state="running")
    connect(settings).update_run(mirror.run_id(0), name="look at this")

    mirror.sync([make_record()], state="running", complete=True)

    assert runs_of(settings)[0].info.run_name == "look at this"


def test_factors_with_names_that_mlflow_refuses_are_renamed(settings: Settings) -> None:
    study = make_study(vary={"width=height": Choice(1, 2)}, network_digest="a digest")

    Mirror(settings, study).sync([make_record(params={"width=height": 1})], state="running")

    assert runs_of(settings)[0].data.params["width_height"] == "1"


def test_a_trial_that_mlflow_refuses_does_not_hold_up_the_others(settings: Settings) -> None:
    from hpstudy.tracking import MirrorError

    study = make_study()
    records = [make_record(0, metrics={"..": 1.0}), make_record(1)]

    with pytest.raises(MirrorError, match=r"refused 1 trials\. Trial 0: "):
        Mirror(settings, study).sync(records, state="running")

    assert runs_of(settings)[1].info.status == "FINISHED"


def test_a_long_error_is_cut_and_a_password_in_it_is_hidden(settings: Settings) -> None:
    settings = replace(settings, storage="postgresql://me:s3cr%2Ft@db/hpstudy?password=also-s3cret")
    error = "could not connect to postgresql://me:s3cr%2Ft@db with s3cr/t or also-s3cret: " + "x" * 9000

    Mirror(settings, make_study()).sync([make_record(state=TrialState.FAILED, error=error)], state="running")

    text = runs_of(settings)[0].data.tags["hpstudy.error"]
    assert text.startswith("could not connect to postgresql://me:***@db with *** or ***: xxx")
    assert len(text) == 8000


def test_nothing_is_printed_and_mlflow_is_imported_late(tmp_path: Path) -> None:
    home = tmp_path / "home"
    script = f"""
import sys
from pathlib import Path
import hpstudy.tracking.mlflow
assert not {{"mlflow", "tensorflow", "pandas", "sqlalchemy"}} & sys.modules.keys()
from factories import make_record, make_settings, make_study
hpstudy.tracking.mlflow.Mirror(make_settings(Path({str(home)!r})), make_study()).sync([make_record()], state="finished")
from mlflow.telemetry.client import get_telemetry_client
assert get_telemetry_client() is None
"""
    tests = str(Path(__file__).parent)
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW", "PYTEST"))}
    environment["PYTHONPATH"] = os.pathsep.join([tests, *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert len(runs_of(make_settings(home))) == 1


def test_the_experiment_has_a_view_of_the_study_and_keeps_those_that_people_save(settings: Settings) -> None:
    study = make_study(vary={"optimizer": Choice("sgd", "adam")}, base={}, design=Grid(replicates=2))
    mirror, client = Mirror(settings, study), connect(settings)
    mirror.sync(make_grid_records(study), state="running")
    client.set_experiment_tag(mirror.experiment_id, "mlflow.sharedViewState.theirs", "{}")

    mirror.sync(make_grid_records(study), state="finished", complete=True)

    tags = client.get_experiment(mirror.experiment_id).tags
    assert tags["mlflow.sharedViewState.theirs"] == "{}"
    view = json.loads(tags["mlflow.sharedViewState.hpstudy"])
    assert [one["groupByData"] for one in view["groupBy"]["groupByKeys"]] == ["optimizer"]


def test_ended_trials_written_at_once_are_what_the_client_would_have_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = {"dataset_digest": "d" * 64, "git_commit": "abc"}
    wild = tuple(
        replace(epoch, metrics={**epoch.metrics, "loss": math.inf, "val": math.nan}) for epoch in make_history(3)
    )
    records = [
        make_record(0, provenance=dataset),
        make_record(1, provenance=dataset, history=wild),
        make_record(2, state=TrialState.FAILED, error="It broke."),
        make_record(3, state=TrialState.LOST),
        make_record(4, state=TrialState.PRUNED, provenance={"dataset_digest": "e" * 64}),
        make_record(5, provenance={"a name that: MLflow/../refuses": "x"}),
        make_record(6, state=TrialState.RUNNING),
    ]
    found = []
    for tried in (private.TRIED_VERSION, "an earlier version"):
        monkeypatch.setattr(private, "TRIED_VERSION", tried)
        settings = make_mlflow_settings(tmp_path / tried)
        with suppress(MirrorError):  # of the name
            Mirror(settings, make_study()).sync(records, state="running")
        found.append(rows_of_trials(settings))
    assert found[0] == found[1]
    assert len(found[0]["runs"]) == 8, "with the study's own, and one that was begun before MLflow refused its name"


def rows_of_trials(settings: Settings) -> dict[str, list[str]]:
    """All rows of MLflow's tables on runs, with names for what is drawn at random."""
    tables = ("runs", "tags", "params", "metrics", "latest_metrics", "datasets", "inputs", "input_tags")
    with closing(sqlite3.connect(settings.home / "mlflow.db")) as database:
        trials = database.execute("select run_uuid, value from tags where key in ('hpstudy.trial', 'hpstudy.role')")
        names = {identity: f"<{number}>" for identity, number in sorted(trials, key=lambda row: row[1], reverse=True)}
        names |= dict(database.execute("select dataset_uuid, '<' || digest || '>' from datasets"))
        edges = "select input_uuid, source_id, destination_id from inputs"
        names |= {edge: f"<{names[source]} {names[run]}>" for edge, source, run in database.execute(edges)}
        rows = {table: list(map(repr, database.execute(f"select * from {table}"))) for table in tables}
    return {table: sorted(_named(row, names, settings.home) for row in found) for table, found in rows.items()}


def _named(text: str, names: dict[str, str], home: Path) -> str:
    for identity, name in names.items():
        text = text.replace(identity, name)
    return text.replace(home.as_uri(), "<home>")


def test_the_page_of_a_search_draws_every_trial_across_the_factors_that_each_has() -> None:
    vary = {"optimizer": Choice("sgd", "adam"), "momentum": Float(0.5, 0.9, when={"optimizer": "sgd"})}
    view = json.loads(shared_view(make_study(vary=vary, base={}, design=Search(trials=10))))

    first = view["compareRunCharts"][0]
    assert (first["type"], first["selectedParams"]) == ("PARALLEL", ["optimizer"])  # of momentum most trials have none
    assert "params.`momentum`" in view["selectedColumns"]
