"""A real MLflow server behind a proxy that loses answers: nothing is lost, nothing is there twice."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories import make_grid_records, make_mlflow_settings, make_record, make_settings, make_study
from hpstudy import Grid
from hpstudy.errors import UserError
from hpstudy.records import TrialState
from hpstudy.settings import Settings
from hpstudy.tracking import MirrorError, MirrorThread
from hpstudy.tracking.mlflow import Mirror
from hpstudy.tracking.mlflow.connection import connect
from hpstudy.tracking.mlflow.server import ui_command, ui_environment
from postgres import free_port
from proxy import HttpProxy
from tls import TlsFront, make_certificate
from waiting import await_answer, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """`hpstudy ui`'s server over an embedded store; the settings have its address."""
    home = tmp_path_factory.mktemp("server")
    settings, port = make_mlflow_settings(home), free_port()
    command, environment = ui_command(settings, port=port), ui_environment(settings)
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log)
    uri = f"http://127.0.0.1:{port}"
    try:
        await_answer(f"{uri}/health", process)
        yield replace(settings, tracking_uri=uri, artifact_root=None)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def proxy(server: Settings) -> Iterator[HttpProxy]:
    with HttpProxy(server.tracking_uri) as proxy:
        yield proxy


@pytest.fixture
def settings(tmp_path: Path, proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(os, "environ", os.environ.copy())  # a password that the mirror puts there goes again
    return replace(make_settings(tmp_path), tracking_uri=proxy.uri, artifact_root=None)


def runs_of(settings: Settings, study: str) -> dict[str, Any]:
    """Trial number → run; fails if a trial has two."""
    client = connect(settings)
    experiment = client.get_experiment_by_name(study)
    runs = client.search_runs([experiment.experiment_id], filter_string="tags.`hpstudy.role` = 'trial'")
    by_trial = {run.data.tags["hpstudy.trial"]: run for run in runs}
    assert len(by_trial) == len(runs)
    return by_trial


def make_records(count: int) -> list[Any]:
    return [make_record(number) for number in range(count)]


@pytest.mark.parametrize(
    "path", ["experiments/create", "runs/create", "runs/log-batch", "runs/log-inputs", "runs/update", "runs/search"]
)
def test_an_answer_lost_after_the_commit_leaves_one_run_a_trial(
    settings: Settings, server: Settings, proxy: HttpProxy, path: str
) -> None:
    study = make_study(name=path.replace("/", "."))
    mirror = Mirror(settings, study)
    proxy.faults = {path: 1}
    with pytest.raises(MirrorError, match="503"):
        mirror.sync(make_records(3), state="finished")

    mirror.sync(make_records(3), state="finished")

    runs = runs_of(server, study.name)
    assert sorted(runs) == ["0", "1", "2"]
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert all(len(run.data.metrics) == 10 and run.inputs.dataset_inputs for run in runs.values())
    assert Mirror(settings, study).sync(make_records(3), state="finished", complete=True).unchanged == 3


def test_a_trial_takes_four_requests(settings: Settings, proxy: HttpProxy) -> None:
    mirror = Mirror(settings, make_study(name="requests"))
    mirror.sync((), state="running")
    proxy.calls.clear()

    mirror.sync(make_records(5), state="running")
    first = len(proxy.calls)
    mirror.sync(make_records(5), state="running")

    assert first == 20
    assert len(proxy.calls) == first


def test_mlflow_is_reached_by_tls_under_an_authority_of_ones_own(
    settings: Settings, proxy: HttpProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    study = make_study(name="tls")
    with TlsFront(proxy.server_port, certificate) as front:
        settings = replace(settings, tracking_uri=f"https://localhost:{front.port}")
        with pytest.raises(MirrorError, match="certificate verify failed"):
            Mirror(settings, study).sync(make_records(1), state="finished")
        monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(certificate))
        assert Mirror(settings, study).sync(make_records(1), state="finished").created == 1


def test_a_password_in_the_address_is_used_but_shown_nowhere(
    settings: Settings, server: Settings, proxy: HttpProxy, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = replace(settings, tracking_uri=proxy.uri.replace("://", "://me:can%2Fary@"))
    study = make_study(name="secrets", question="Is can/ary told?")
    record = make_record(state=TrialState.FAILED, error="no way to http://me:can%2Fary@host")
    mirror = Mirror(settings, study, source="password = 'can/ary'\n")
    mirror.sync([record], state="finished")
    proxy.faults = {"runs/search": 1}
    with pytest.raises(MirrorError) as refused:
        mirror.sync([record], state="finished", complete=True)

    assert "Basic " + base64.b64encode(b"me:can/ary").decode() in proxy.authorizations
    printed = "".join(capfd.readouterr())
    kept = b"".join(path.read_bytes() for path in sorted(server.home.rglob("*")) if path.is_file())
    for canary in ("can/ary", "can%2Fary"):
        assert canary not in f"{refused.value!r} {refused.value.__cause__!r} {printed}"
        assert canary.encode() not in kept


def test_the_thread_catches_up_after_the_server_was_away(
    settings: Settings, server: Settings, proxy: HttpProxy
) -> None:
    """Again and again, while trials end."""
    study = make_study(name="outage", design=Grid(replicates=1))
    records, known = make_grid_records(study), 0
    mirror = Mirror(settings, study)
    thread = MirrorThread(mirror, lambda: ("running", records[:known]), interval_s=0.01, pause_s=0.1)
    thread.start()
    for known in (6, 12, 18):
        for is_away in (True, False):
            proxy.is_away = is_away
            await_problem(thread, there=is_away)
        assert len(runs_of(server, study.name)) == known
    proxy.faults = {"runs/create": 2, "runs/log-batch": 1}

    assert thread.finish(30)

    assert thread.problem is None
    assert len(runs_of(server, study.name)) == len(records)


def await_problem(thread: MirrorThread, *, there: bool) -> None:
    def noticed() -> bool:
        thread.poke()
        return (thread.problem is not None) == there

    wait_until(noticed, 15)


def test_a_server_that_never_answers_is_given_up_soon(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(MirrorError, match="did not take the trials"):
            Mirror(replace(settings, tracking_uri=uri), make_study()).sync((), state="running")
    assert time.monotonic() - began < 3


def test_the_web_interface_serves_the_artifacts_of_the_store(settings: Settings, server: Settings) -> None:
    mirror = Mirror(settings, make_study(name="artifacts"), source="# the file\n")
    mirror.sync((), state="running")

    address = f"{server.tracking_uri}/get-artifact?path=study.py&run_uuid={mirror.parent_run_id()}"
    with urllib.request.urlopen(address, timeout=5) as answer:
        assert answer.read() == b"# the file\n"


def test_there_is_no_web_interface_to_start_beside_a_tracking_server(settings: Settings) -> None:
    with pytest.raises(UserError, match=r"Open https://mlflow\.example/team in a browser") as refused:
        ui_command(replace(settings, tracking_uri="https://me:s3cret@mlflow.example/team"))
    assert "s3cret" not in str(refused.value)


def test_the_web_interface_shows_no_password_in_its_command(settings: Settings) -> None:
    settings = replace(settings, tracking_uri="postgresql://me:s3cret@db/mlflow")

    assert "s3cret" not in " ".join(ui_command(settings))
    assert ui_environment(settings)["MLFLOW_BACKEND_STORE_URI"] == settings.tracking_uri
