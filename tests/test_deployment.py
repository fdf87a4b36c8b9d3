"""The deployment files, as far as they can be held to without Docker: parsed, and their commands run as processes."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from click.testing import CliRunner

from hpstudy.cli import main
from hpstudy.settings import Settings
from postgres import Postgres, free_port

ROOT = Path(__file__).parents[1]


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())  # type: ignore[no-any-return]


def test_compose_publishes_on_loopback_only_restarts_and_keeps_data_in_named_volumes(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["restart"] == "unless-stopped"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        volumes = [volume for volume in service["volumes"] if not volume.startswith("./")]
        assert volumes, name
        assert {volume.split(":")[0] for volume in volumes} <= set(compose["volumes"])
    for name in ("postgres", "mlflow"):
        assert compose["services"][name]["healthcheck"]["test"][0] == "CMD"


def test_no_secret_has_a_default_and_every_one_is_in_the_example(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    required = set(re.findall(r"\$\{(\w+):\?", text))
    optional = set(re.findall(r"\$\{(\w+):-", text))
    example = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if re.match(r"\w+=", line)
    )
    assert set(example) == required | optional
    assert {example[name] for name in required} == {""}
    assert {"POSTGRES_PASSWORD", "MLFLOW_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY"} <= required
    assert compose["services"]["mlflow"]["environment"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_workers_of_compose_and_kubernetes_run_commands_and_settings_that_exist(compose: dict[str, Any]) -> None:
    pod = yaml.safe_load((ROOT / "deploy/kubernetes/worker.yaml").read_text())["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environments = [
        {name: str(value).replace("${POSTGRES_PASSWORD:?set it in .env}", "canary") for name, value in given.items()}
        for given in (
            compose["services"]["worker"]["environment"],
            compose["services"]["worker-gpu"]["environment"],
            {entry["name"]: entry.get("value", "canary") for entry in container["env"]},
        )
    ]
    for environment in environments:
        settings = Settings.load({}, {**environment, "HPSTUDY_CONFIG": "/nowhere"})
        assert settings.storage == "postgresql://hpstudy:canary@postgres:5432/hpstudy"
    for arguments in (
        compose["services"]["worker"]["command"],
        compose["services"]["worker-gpu"]["command"],
        container["args"],
    ):
        assert CliRunner().invoke(main, [*arguments, "--help"]).exit_code == 0
    assert pod["securityContext"]["runAsNonRoot"] is True
    devices = compose["services"]["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]
    assert compose["services"]["worker-gpu"]["profiles"] == ["gpu"]


def test_the_mlflow_server_of_compose_starts_is_healthy_and_asks_for_the_password(
    compose: dict[str, Any], postgres: Postgres, tmp_path: Path
) -> None:
    """Its command, environment and health check as they stand in the file, on a free port of loopback."""
    service, port = compose["services"]["mlflow"], free_port()

    def here(text: str) -> str:
        return (
            re.sub(r"\$\{(\w+):[?-][^}]*\}", "secret-" + "x" * 32, text)
            .replace("/data", str(tmp_path))
            .replace("5000", str(port))
            .replace("0.0.0.0", "127.0.0.1")
            .replace("$$", "$")
        )

    environment = {name: here(value) for name, value in service["environment"].items()}
    environment["MLFLOW_BACKEND_STORE_URI"] = postgres.bare_database().replace("postgresql:", "postgresql+psycopg:")
    environment["MLFLOW_SERVER_ALLOWED_HOSTS"] = f"127.0.0.1:{port}"
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen(
        [*service["entrypoint"], *map(here, service["command"])],
        env={**os.environ, **environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    log.close()
    try:
        probe = [sys.executable, *map(here, service["healthcheck"]["test"][2:])]
        deadline = time.monotonic() + 120
        while subprocess.run(probe, capture_output=True, check=False).returncode:
            assert server.poll() is None, (tmp_path / "log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(1)
        address = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search?max_results=1"
        assert requests.get(address, timeout=30).status_code == 401
        login = ("admin", environment["MLFLOW_ADMIN_PASSWORD"])
        assert requests.get(address, auth=login, timeout=30).status_code == 200
        strange = requests.get(address, auth=login, headers={"Host": "evil.example"}, timeout=30)
        assert strange.status_code == 403
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(30)


def test_the_image_runs_as_a_user_of_its_own_and_ends_on_sigterm() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER hpstudy" in lines
    assert "STOPSIGNAL SIGTERM" in lines
    assert 'ENTRYPOINT ["hpstudy"]' in lines
    for line in lines:
        if line.startswith("COPY"):
            sources = [source for source in shlex.split(line)[1:-1] if source not in ("README.md", "constraints.txt")]
            assert all((ROOT / source).exists() for source in sources), line


@pytest.mark.parametrize(("devices", "expected"), [("", "none"), ("0,1", "all")])
def test_the_slurm_script_starts_a_worker_with_the_job_s_gpus(tmp_path: Path, devices: str, expected: str) -> None:
    """With a stand-in for hpstudy that prints what it was given."""
    stand_in = tmp_path / "hpstudy"
    stand_in.write_text('#!/bin/sh\necho "$@"; echo "$HPSTUDY_HOME"\n')
    stand_in.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path), "SLURM_JOB_ID": "7"}
    script = ROOT / "deploy/slurm/worker.sbatch"
    done = subprocess.run(
        ["bash", str(script), "search"],
        env={**environment, "CUDA_VISIBLE_DEVICES": devices},
        capture_output=True,
        text=True,
        check=True,
    )
    arguments, home = done.stdout.splitlines()
    assert arguments == f"worker search --gpus {expected} --idle-exit 60"
    assert home == f"{tmp_path}/hpstudy-7"
    assert CliRunner().invoke(main, [*arguments.split(), "--help"]).exit_code == 0
    assert "#SBATCH --signal=B:TERM@30" in script.read_text()
