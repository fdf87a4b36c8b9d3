"""The deployment files, as far as they can be held to without Docker: parsed, and their commands run as processes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import requests
import yaml
from click.testing import CliRunner

from hpstudy.cli import main
from hpstudy.settings import Settings
from mlflow_server import ROOT, MlflowServer


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())  # type: ignore[no-any-return]


def test_compose_follows_the_schema_of_the_compose_specification(tmp_path: Path) -> None:
    """With the schema that check-jsonschema ships; a misspelt key is refused."""
    file = ROOT / "docker-compose.yml"
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*check, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    wrong = file.read_text().replace("healthcheck:", "healthchek:", 1)
    (tmp_path / "wrong.yml").write_text(wrong)
    refused = subprocess.run([*check, str(tmp_path / "wrong.yml")], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "healthchek" in refused.stdout


def test_the_kubernetes_manifest_follows_the_schema_of_its_kind() -> None:
    """With the schemas that kubernetes-validate ships, strictly: no key that Kubernetes does not know."""
    manifest = yaml.safe_load((ROOT / "deploy/kubernetes/worker.yaml").read_text())
    kubernetes_validate.validate(manifest, "1.33", strict=True)
    manifest["spec"]["template"]["spec"]["containers"][0]["comand"] = ["hpstudy"]
    with pytest.raises(kubernetes_validate.ValidationError, match="comand"):
        kubernetes_validate.validate(manifest, "1.33", strict=True)


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


def test_the_mlflow_server_of_compose_starts_is_healthy_and_asks_for_the_password(mlflow_server: MlflowServer) -> None:
    """Its command, environment and health check as they stand in the file, on a free port of loopback."""
    mlflow_server.await_health()
    address = f"{mlflow_server.uri}/api/2.0/mlflow/experiments/search?max_results=1"
    assert requests.get(address, timeout=30).status_code == 401
    login = tuple(mlflow_server.login.values())
    assert requests.get(address, auth=login, timeout=30).status_code == 200
    strange = requests.get(address, auth=login, headers={"Host": "evil.example"}, timeout=30)
    assert strange.status_code == 403


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


SBATCH = {  # Slurm publishes no schema: the options that the script may use, as the manual of sbatch has them
    "job-name": r"\w+",
    "nodes": r"\d+(-\d+)?",
    "ntasks": r"\d+",
    "cpus-per-task": r"\d+",
    "mem": r"\d+[KMGT]?",
    "time": r"(\d+-)?\d+:\d\d:\d\d",
    "signal": r"([RB]:)?[A-Z0-9]+(@\d+)?",
    "output": r"\S+",
}


def test_the_slurm_script_has_options_that_slurm_knows_and_is_correct_shell() -> None:
    script = ROOT / "deploy/slurm/worker.sbatch"
    lines = script.read_text().splitlines()
    directives = [line for line in lines if line.startswith("#SBATCH")]
    first_command = next(place for place, line in enumerate(lines) if line and not line.startswith("#"))
    assert directives == [line for line in lines[:first_command] if "SBATCH" in line], "Slurm reads none further down"
    for directive in directives:
        name, value = directive.removeprefix("#SBATCH --").split("=", 1)
        assert re.fullmatch(SBATCH[name], value), directive
    assert "#SBATCH --signal=B:TERM@30" in directives
    subprocess.run(["bash", "-n", str(script)], check=True)
