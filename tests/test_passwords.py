"""Passwords: from the environment, a file or the configuration, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpstudy.errors import UserError
from hpstudy.settings import Settings

ADDRESS = "postgresql://me@host:5433/db?sslmode=require"
WHOLE = "postgresql://me:p%40ss%2Fword@host:5433/db?sslmode=require"


def secret_file(folder: Path, text: str = "p@ss/word\n", mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_text(text)
    file.chmod(mode)
    return file


def load(environ: dict[str, str], config: Path) -> Settings:
    return Settings.load({}, {"HPSTUDY_CONFIG": str(config), **environ})


def test_a_password_comes_from_the_environment_or_a_file_it_names(tmp_path: Path) -> None:
    none = tmp_path / "none.toml"
    for given in ({"HPSTUDY_PASSWORD": "p@ss/word"}, {"HPSTUDY_PASSWORD_FILE": str(secret_file(tmp_path))}):
        assert load({"HPSTUDY_STORAGE": ADDRESS, **given}, none).storage == WHOLE
    assert load({"HPSTUDY_STORAGE": WHOLE, "HPSTUDY_PASSWORD": "other"}, none).storage == WHOLE
    assert "other" not in load({"HPSTUDY_PASSWORD": "other"}, none).storage, "SQLite has no password"


def test_the_configuration_is_read_where_the_environment_says_nothing(tmp_path: Path) -> None:
    config = secret_file(tmp_path, f'storage = "{ADDRESS}"\npassword = "p@ss/word"\ntracking_uri = "https://mlflow"\n')
    settings = load({}, config)
    assert (settings.storage, settings.tracking_uri) == (WHOLE, "https://mlflow")
    assert load({"HPSTUDY_STORAGE": "sqlite:///x.db"}, config).storage == "sqlite:///x.db"


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = secret_file(tmp_path, "home = '/x'", mode=mode)
    with pytest.raises(UserError, match="chmod 600"):
        load({}, file)
    with pytest.raises(UserError, match="chmod 600"):
        load({"HPSTUDY_STORAGE": ADDRESS, "HPSTUDY_PASSWORD_FILE": str(file)}, tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["no toml at all", "colour = 'red'", "home = 3"])
def test_a_wrong_configuration_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="secret"):
        load({}, secret_file(tmp_path, text))


@pytest.mark.parametrize("address", ["postgresql://me:canary@host/db", "postgresql://me@host/db?password=canary"])
def test_a_password_among_the_arguments_is_refused_and_not_repeated(address: str) -> None:
    for flag in ("storage", "tracking_uri"):
        with pytest.raises(UserError, match="with `ps`") as refusal:
            Settings.load({flag: address}, {"HPSTUDY_CONFIG": "/nowhere/config.toml"})
        assert "canary" not in str(refusal.value)
