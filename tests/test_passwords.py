"""Passwords: from the environment, a file or the configuration, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from hpstudy import addresses
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


ADDRESSES = {  # given, with the password
    "a socket": (
        "postgresql://me@/db?host=/run/pg",
        "postgresql://me:p%40ss%2Fword@/db?host=%2Frun%2Fpg",
    ),
    "a user behind the question mark": (
        "postgresql:///db?user=me&host=/run/pg",
        "postgresql:///db?host=%2Frun%2Fpg&password=p%40ss%2Fword&user=me",
    ),
    "several hosts": (
        "postgresql://me@/db?host=one:5432&host=two:5432",
        "postgresql://me:p%40ss%2Fword@/db?host=one%3A5432&host=two%3A5432",
    ),
    "a driver": ("postgresql+psycopg://me@h/db", "postgresql+psycopg://me:p%40ss%2Fword@h/db"),
}


@pytest.mark.parametrize(("given", "whole"), ADDRESSES.values(), ids=ADDRESSES)
def test_every_way_to_name_a_user_takes_the_password(given: str, whole: str) -> None:
    found = addresses.with_password(given, "p@ss/word")
    assert make_url(found) == make_url(whole)
    assert addresses.with_password(found, "other") == found, "it has one"
    assert addresses.passwords(found) == ["p@ss/word"]
    assert "ss" not in addresses.without_credentials(found).replace("psycopg", "")


@pytest.mark.parametrize("name", ["plain", "feature%2Flogin", "what?", "a#b", "a%20b c", "mode=ro&x", "그림", "é'\""])
def test_a_file_in_a_folder_of_any_name_is_the_file_that_is_opened(tmp_path: Path, name: str) -> None:
    """By hpstudy's own connections and by MLflow's, and as its trainer processes read it."""
    home = tmp_path / name
    home.mkdir()
    settings = Settings.load({"home": str(home)})
    for address, file in ((settings.storage, home / "hpstudy.db"), (settings.tracking_uri, home / "mlflow.db")):
        engine = create_engine(address)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE t (x)")
        engine.dispose()
        assert file.stat().st_size > 0
    assert sorted(found.name for found in home.iterdir()) == ["hpstudy.db", "mlflow.db"]
    assert Settings.load({}, settings.to_environment()) == settings
    if name == "plain":
        assert settings.storage == f"sqlite:///{home}/hpstudy.db"
