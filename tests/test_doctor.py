"""`hpstudy doctor` finds what is wrong, says how to mend it, and exits with 1 if something is broken."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from hpstudy.cli import main
from postgres import Postgres, free_port


def examine(code: int, **environment: str) -> list[dict[str, Any]]:
    environment["HPSTUDY_DATA_DIR"] = ""  # whose files are verified by other tests
    result = CliRunner().invoke(main, ["doctor", "--json", "--processes", "16"], env=environment)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def broken(findings: list[dict[str, Any]]) -> str:
    return "\n".join(f"{finding['what']} {finding['fix']}" for finding in findings if finding["level"] == "broken")


def test_all_is_well_with_postgresql_and_the_embedded_mlflow(postgres: Postgres) -> None:
    findings = examine(0, HPSTUDY_STORAGE=postgres.new_database())
    told = "\n".join(finding["what"] for finding in findings)
    for part in ("(PostgreSQL", "You can write", "connections left", "clock", "MLflow", "GPU", "digits", "GB are free"):
        assert part in told
    assert broken(findings) == ""


def test_what_is_away_is_broken_and_the_other_checks_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpstudy.storage.database.OPEN_S", 0.1)
    server = f"127.0.0.1:{free_port()}"
    findings = examine(
        1, HPSTUDY_STORAGE=f"postgresql://me:canary@{server}/db", HPSTUDY_TRACKING_URI=f"http://me:canary@{server}"
    )
    assert "nothing listens" in broken(findings)
    assert "does not answer" in broken(findings)
    assert "MLFLOW_SERVER_ALLOWED_HOSTS" in broken(findings)
    assert "canary" not in json.dumps(findings)
    assert any("GB are free" in finding["what"] for finding in findings)
