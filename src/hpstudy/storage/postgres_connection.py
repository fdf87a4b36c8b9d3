"""Connections to PostgreSQL that notice when the other side is gone and never show their password.

A pooler such as PgBouncer may be in between and give each transaction a different session of the server. Then a session
cannot keep anything, neither settings nor prepared statements, and nothing must be left in it for others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from hpstudy.errors import UserError

CONNECT_S = 10.0  # time for the server to accept a connection
ANSWER_S = 45.0  # time for the server to answer one statement; longer than a statement may wait for a lock
LOCK_S = 20.0  # how long one statement waits for a lock; the caller retries
ABANDONED_S = 30.0  # the server rolls back a transaction whose client is silent for this long
_KEEPALIVE = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


def connector(address: URL) -> Callable[[], Any]:
    """A function that opens one DBAPI connection; the password stays inside it.

    Raises:
        UserError: psycopg is not installed.
    """
    connection_class = _watched_connection()
    _, parameters = sa.create_engine(address).dialect.create_connect_args(address)
    parameters = {
        "connect_timeout": int(CONNECT_S),
        "tcp_user_timeout": int(ANSWER_S * 1000),
        "application_name": "hpstudy",
        **_KEEPALIVE,
        **parameters,
    }

    def connect() -> Any:
        connection = connection_class.connect(**parameters)
        try:
            connection.autocommit = True
            connection.set_up()
            connection.autocommit = False
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


def _settings(*, is_local: bool) -> str:
    """The session's settings in one statement, so one round trip. UTC: Optuna stores heartbeats without a time zone.

    Args:
        is_local: Whether they last until the transaction ends, or for the whole session.
    """
    values = {
        "TimeZone": "UTC",
        "lock_timeout": f"{LOCK_S * 1000:.0f}",
        "statement_timeout": f"{ANSWER_S * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{ABANDONED_S * 1000:.0f}",
    }
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', {is_local})" for name, value in values.items())


def _watched_connection() -> Any:
    """psycopg's connection with time limits, whether or not it has a session of its own.

    The server's own time limits do not help with a half-open connection: a firewall or a machine in between has
    forgotten it, or stalls, while TCP still looks alive from here.
    """
    try:
        import psycopg
    except ImportError:
        raise UserError(
            "The study database is PostgreSQL, but its driver is not installed. Run `pip install 'hpstudy[postgres]'`."
        ) from None

    from hpstudy.storage.psycopg_private import WaitTimeout  # here: its ImportError means something else

    class Watched(psycopg.Connection[Any]):
        has_pooler = False

        def set_up(self) -> None:
            """Give the session its settings if it is ours. A pooler reports a process id that is not the server's."""
            ours = f"{_settings(is_local=False)} WHERE pg_backend_pid() = {self.info.backend_pid}"
            if self.execute(ours).fetchone() is None:
                self.has_pooler = True
                self.prepare_threshold = None  # no prepared statements

        def cursor(self, *arguments: Any, **options: Any) -> Any:
            """Behind a pooler, settings last for one transaction and are sent at its beginning."""
            cursor = super().cursor(*arguments, **options)
            if (
                self.has_pooler
                and not self.autocommit
                and self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            ):
                cursor.execute(_settings(is_local=True))
            return cursor

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            try:
                return super().wait(gen, interval, ANSWER_S if timeout is None else timeout)
            except WaitTimeout:
                if timeout is not None:
                    raise
                self.pgconn.finish()  # SQLAlchemy then sees a closed connection, and opens another one
                raise psycopg.OperationalError(f"the server has not answered for {ANSWER_S:.0f} s") from None

    return Watched
