"""A real PgBouncer before a PostgreSQL of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType

from sqlalchemy.engine import make_url

from postgres import free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
_SETTINGS = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {pool_mode}
default_pool_size = {pool_size}
"""


class PgBouncer:
    """Use as a context manager.

    Args:
        address: Of a database on the server behind it.
    """

    def __init__(self, folder: Path, address: str, *, pool_mode: str = "transaction", pool_size: int = 8) -> None:
        behind = make_url(address)
        self._port = free_port()
        self._file = folder / "pgbouncer.ini"
        text = _SETTINGS.format(
            host=behind.host,
            port=behind.port,
            user=behind.username,
            own_port=self._port,
            pool_mode=pool_mode,
            pool_size=pool_size,
        )
        self._file.write_text(text)
        self.address = behind.set(host="127.0.0.1", port=self._port).render_as_string(hide_password=False)

    def __enter__(self) -> PgBouncer:
        assert PROGRAM
        command, is_root = [PROGRAM, "/dev/stdin"], os.geteuid() == 0
        with self._file.open() as settings:  # which the user "nobody" may not find in a folder of root
            self._process = subprocess.Popen(
                command,
                stdin=settings,
                stderr=subprocess.PIPE,
                text=True,
                user="nobody" if is_root else None,
            )
        assert self._process.stderr
        for line in self._process.stderr:
            if "process up" in line:
                return self
        raise AssertionError(f"PgBouncer ended with {self._process.wait()}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()
