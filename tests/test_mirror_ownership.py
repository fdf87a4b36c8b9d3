"""Of what MLflow holds, only what a study made is changed or deleted. Real SQLite stores of MLflow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from factories import START, make_history, make_mlflow_settings, make_record, make_study
from hpstudy import Grid
from hpstudy.cli import main
from hpstudy.settings import Settings
from hpstudy.storage import Store
from hpstudy.tracking import MirrorError
from hpstudy.tracking.mlflow import Mirror
from hpstudy.tracking.mlflow.connection import connect

STUDY = make_study(name="churn")
COLLEAGUE = {"note": "mine", "mlflow.note.content": "The churn of our customers."}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_mlflow_settings(tmp_path / "home")


def mirror_of(settings: Settings, identity: str | None = "a", **changes: Any) -> Mirror:
    return Mirror(settings, replace(STUDY, **changes), identity=lambda: identity)


def everything(settings: Settings, experiment_id: str) -> dict[str, dict[str, Any]]:
    """All that MLflow tells of the runs of an experiment."""
    return {run.info.run_id: run.to_dictionary() for run in connect(settings).search_runs([experiment_id])}


def trace(settings: Settings, experiment_id: str) -> None:
    from mlflow.entities import TraceInfo, TraceLocation, TraceState
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    where = TraceLocation.from_experiment_id(experiment_id)
    info = TraceInfo(trace_id="tr-1", trace_location=where, request_time=0, state=TraceState.OK)
    SqlAlchemyStore(settings.tracking_uri, str(settings.artifact_root)).start_trace(info)


def shared_experiment(settings: Settings) -> str:
    """As a colleague made it before: with a description, and a run."""
    client = connect(settings)
    experiment_id = str(client.create_experiment("churn", tags=COLLEAGUE))
    client.log_metric(client.create_run(experiment_id, tags={"mlflow.runName": "theirs"}).info.run_id, "auc", 0.8)
    return experiment_id


def test_a_colleagues_experiment_and_runs_stay_as_they_are(settings: Settings) -> None:
    experiment_id = shared_experiment(settings)
    before, client = everything(settings, experiment_id), connect(settings)
    theirs = client.create_logged_model(experiment_id, name="theirs")
    mirror = mirror_of(settings)

    mirror.sync([make_record(0), make_record(1)], state="finished", complete=True)
    mirror.sync([make_record(0)], state="finished", complete=True)
    mirror.attach_report({}, "The best one.")
    during = everything(settings, experiment_id)
    stays = mirror.forget()

    assert mirror.sharing
    assert "'churn' in MLflow is shared: hpstudy did not create it" in mirror.sharing
    assert len(during) == 3
    assert during.items() >= before.items()
    assert stays
    assert "'churn' in MLflow stays, because hpstudy did not create it" in stays
    assert everything(settings, experiment_id) == before
    experiment = client.get_experiment_by_name("churn")
    assert (experiment.experiment_id, experiment.lifecycle_stage) == (experiment_id, "active")
    assert {name: experiment.tags[name] for name in COLLEAGUE} == COLLEAGUE
    assert [model.model_id for model in client.search_logged_models([experiment_id])] == [theirs.model_id]


@pytest.mark.parametrize("what", ["run", "deleted run", "model", "trace"])
def test_an_experiment_of_ours_that_others_use_too_is_not_deleted(settings: Settings, what: str) -> None:
    mirror, client = mirror_of(settings), connect(settings)
    mirror.sync([make_record()], state="finished")
    experiment_id = mirror.experiment_id
    if what == "model":
        client.create_logged_model(experiment_id, name="theirs")
    elif what == "trace":
        trace(settings, experiment_id)
    else:
        run_id = client.create_run(experiment_id, tags={"hpstudy.study": "another"}).info.run_id
        if what == "deleted run":
            client.delete_run(run_id)

    stays = mirror.forget()

    assert stays
    assert "because it also holds" in stays
    assert client.get_experiment(experiment_id).lifecycle_stage == "active"
    assert {run.data.tags["hpstudy.study"] for run in client.search_runs([experiment_id])} <= {"another"}


def test_two_databases_with_a_study_of_one_name_keep_apart(settings: Settings) -> None:
    ours, theirs = mirror_of(settings, "a"), mirror_of(settings, "b")
    later = START + timedelta(days=1)
    record = make_record(started=later, history=make_history(3, start=later))
    theirs.sync([record], state="finished")
    experiment_id = theirs.experiment_id
    before = everything(settings, experiment_id)

    summary = ours.sync([make_record(0), make_record(1)], state="finished", complete=True)

    assert (summary.created, summary.deleted) == (2, 0)
    assert "runs that are not this study's" in str(ours.sharing) or "did not create it" in str(ours.sharing)
    assert everything(settings, experiment_id).items() >= before.items()
    assert theirs.sync([record], state="finished", complete=True).unchanged == 1
    assert mirror_of(settings, "a").is_finished()
    assert ours.forget()
    assert everything(settings, experiment_id) == before
    assert not mirror_of(settings, "a").is_finished()
    assert theirs.forget() is None
    assert connect(settings).get_experiment(experiment_id).lifecycle_stage == "deleted"


def test_runs_of_an_earlier_version_are_taken_over_where_they_are_this_studys(settings: Settings) -> None:
    unsigned = mirror_of(settings, None)
    unsigned.sync([make_record(0), make_record(1)], state="finished")
    parent, first = unsigned.parent_run_id(), unsigned.run_id(0)
    later = make_record(1, started=START + timedelta(days=2), history=make_history(3, start=START + timedelta(days=2)))
    mirror = mirror_of(settings, design=Grid(replicates=4))

    summary = mirror.sync([make_record(0), later], state="finished", complete=True)

    assert (summary.updated, summary.created, summary.deleted) == (1, 1, 1)  # the parent of the smaller budget went
    assert mirror.run_id(0) == first
    assert mirror.parent_run_id() != parent
    assert connect(settings).get_run(unsigned.run_id(1)).info.lifecycle_stage == "active"
    assert mirror.forget()
    assert list(everything(settings, mirror.experiment_id)) == [unsigned.run_id(1)]


def test_a_study_of_an_earlier_version_is_deleted_with_its_experiment(settings: Settings) -> None:
    unsigned = mirror_of(settings, None)
    unsigned.sync([make_record()], state="finished")
    client, experiment_id = connect(settings), unsigned.experiment_id
    for name in ("hpstudy.study", "hpstudy.study_id"):  # which it did not give to experiments
        if name in client.get_experiment(experiment_id).tags:
            client.delete_experiment_tag(experiment_id, name)

    assert mirror_of(settings).forget([make_record()]) is None

    assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"


def test_mlflows_default_experiment_is_never_renamed_or_deleted(settings: Settings) -> None:
    """Not by an earlier version's study of that name, either, which is refused now when its file is read."""
    mirror, client = mirror_of(settings, name="Default", recorded=True), connect(settings)
    mirror.sync([make_record()], state="finished")

    stays = mirror.forget()

    assert "it is MLflow's default experiment" in str(stays)
    default = client.get_experiment("0")
    assert (default.name, default.lifecycle_stage) == ("Default", "active")
    assert client.search_runs(["0"]) == []


def test_a_shared_experiment_that_somebody_deleted_is_left_in_the_bin(settings: Settings) -> None:
    experiment_id = shared_experiment(settings)
    connect(settings).delete_experiment(experiment_id)

    with pytest.raises(MirrorError, match=r"'churn' was deleted in MLflow.*Restore it in MLflow"):
        mirror_of(settings).sync([make_record()], state="finished")

    kept = connect(settings).get_experiment(experiment_id)
    assert (kept.name, kept.lifecycle_stage) == ("churn", "deleted")


def test_what_people_wrote_on_the_studys_run_outlives_an_extension(settings: Settings) -> None:
    mirror, client = mirror_of(settings), connect(settings)
    mirror.sync([make_record()], state="finished")
    run_id = mirror.parent_run_id()
    client.set_tag(run_id, "mlflow.note.content", "Look at trial 7.")
    client.set_tag(run_id, "reviewed", "yes")
    client.update_run(run_id, name="the churn study")

    mirror = mirror_of(settings, design=Grid(replicates=5))
    mirror.sync([make_record()], state="running")
    mirror.attach_report({}, "The best one.")

    run = client.get_run(mirror.parent_run_id())
    assert run.data.params["budget"] == "90"
    assert run.info.run_name == "the churn study"
    assert run.data.tags.items() >= {"mlflow.note.content": "Look at trial 7.", "reviewed": "yes"}.items()


def test_delete_says_what_stays_and_keeps_a_registered_model(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    import mlflow

    request.addfinalizer(lambda: mlflow.set_tracking_uri(None))
    experiment_id, client = shared_experiment(settings), connect(settings)
    store = Store(settings.storage)
    queue = store.register(STUDY)
    mirror = Mirror(settings, STUDY, identity=queue.entry.identity)
    mirror.sync([make_record()], state="finished")
    tags = {"hpstudy.evaluated_at": "1"}
    models = [
        client.create_logged_model(experiment_id, name=name, source_run_id=mirror.parent_run_id(), tags=tags)
        for name in ("free", "registered")
    ]
    mlflow.set_tracking_uri(settings.tracking_uri)  # where MLflow's registry looks a model up
    client.create_registered_model("churn")
    client.create_model_version("churn", f"models:/{models[1].model_id}", model_id=models[1].model_id)
    assert store.open("churn").entry.identity() == queue.entry.identity()
    store.close()

    done = CliRunner().invoke(main, ["delete", "churn", "--yes", "--home", str(settings.home)])

    assert done.exit_code == 0, done.output
    assert "Experiment 'churn' in MLflow stays, because hpstudy did not create it" in done.output
    assert "Deleted study churn." in done.output
    assert [run.info.run_name for run in client.search_runs([experiment_id])] == ["theirs"]
    assert [model.name for model in client.search_logged_models([experiment_id])] == ["registered"]


def test_a_studys_identity_is_its_databases_and_outlives_another_declaration(tmp_path: Path) -> None:
    here, elsewhere = (Store(f"sqlite:///{tmp_path}/{name}.db") for name in ("here", "elsewhere"))
    identity = here.register(STUDY).entry.identity()

    assert elsewhere.register(STUDY).entry.identity() != identity
    assert here.register(replace(STUDY, design=Grid(replicates=2))).entry.identity() == identity
    here.delete("churn")
    assert here.register(STUDY, identity).entry.identity() == identity
    here.close()
    elsewhere.close()
