"""What can go wrong with a team's set-up, checked before it causes trouble: each finding comes with its fix."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from hpstudy.errors import HpstudyError
from hpstudy.health import Diagnosis, Health
from hpstudy.python import python
from hpstudy.settings import Settings

if TYPE_CHECKING:
    from hpstudy.storage import Store

CONNECTIONS_A_PROCESS = 2
SKEW_S = 60.0  # between clocks; hpstudy compares no clocks, but people compare times
DISK_GB = 2.0  # free space for run directories, logs and prepared datasets
_TENSORFLOW = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"


def examine(
    settings: Settings, *, processes: int, checking: Callable[[str], object] = lambda what: None
) -> Iterator[Diagnosis]:
    """Check everything, one thing after another. An error in one check is a finding, and the other checks continue.

    Args:
        processes: Trainer processes planned on all machines together.
        checking: Hears what is checked next.
    """
    checks: tuple[tuple[str, Callable[[], Iterator[Diagnosis]]], ...] = (
        ("the study database", lambda: _database(settings, processes)),
        ("the tracker", lambda: _tracker(settings)),
        ("the GPUs", _gpus),
        ("the files of the datasets", lambda: _datasets(settings)),
        ("the disk", lambda: _disk(settings)),
    )
    for what, check in checks:
        checking(what)
        try:
            yield from check()
        except HpstudyError as error:
            yield Diagnosis(level=Health.BROKEN, what=str(error), fix="See the message itself.")


def _database(settings: Settings, processes: int) -> Iterator[Diagnosis]:
    from hpstudy.storage import Store

    store = Store(settings.storage, grace_s=settings.grace_s)
    try:
        what = f"The study database {store.database.label} answers ({store.database.describe()})."
        yield Diagnosis(level=Health.GOOD, what=what)
        if store.database.is_shared:
            yield _permissions(store)
            yield _connections(store, processes)
            yield _clock(store)
    finally:
        store.close()


def _permissions(store: Store) -> Diagnosis:
    tables = "'trials', 'studies', 'trial_user_attributes'"
    writable = _ask(
        store,
        "SELECT bool_and(has_table_privilege(quote_ident(schemaname) || '.' || quote_ident(tablename), "
        f"'INSERT, UPDATE, DELETE')) FROM pg_tables WHERE tablename IN ({tables}) AND schemaname = current_schema()",
    )
    if writable:
        return Diagnosis(level=Health.GOOD, what="You can write to its tables.")
    return Diagnosis(
        level=Health.BROKEN,
        what="You cannot write to its tables.",
        fix="As the owner: GRANT ALL ON ALL TABLES IN SCHEMA public TO your_user; the same for ALL SEQUENCES.",
    )


def _connections(store: Store, processes: int) -> Diagnosis:
    most = int(_ask(store, "SHOW max_connections")) - int(_ask(store, "SHOW superuser_reserved_connections"))
    left = most - int(_ask(store, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    needed = CONNECTIONS_A_PROCESS * processes
    what = f"The server has {left} connections left of {most}; {processes} processes need up to {needed}."
    if needed <= left:
        return Diagnosis(level=Health.GOOD, what=what)
    return Diagnosis(
        level=Health.WARNING,
        what=what,
        fix="Raise max_connections in postgresql.conf, or put PgBouncer (pool_mode = transaction) in front of it.",
    )


def _clock(store: Store) -> Diagnosis:
    skew_s = time.time() - float(_ask(store, "SELECT extract(epoch FROM clock_timestamp())"))
    what = f"This machine's clock and the database's differ by {abs(skew_s):.1f} s."
    if abs(skew_s) < SKEW_S:
        return Diagnosis(level=Health.GOOD, what=what)
    fix = "No trial is lost because of that, but times in tables are wrong. Switch on NTP: timedatectl set-ntp true."
    return Diagnosis(level=Health.WARNING, what=what, fix=fix)


def _ask(store: Store, query: str) -> Any:
    def ask() -> Any:
        with store.database.rdb.engine.connect() as connection:
            return connection.exec_driver_sql(query).scalar()

    return store.database.retrying(ask)


def _tracker(settings: Settings) -> Iterator[Diagnosis]:
    from hpstudy.tracking import tracker_of

    yield from tracker_of(settings).examine()


def _gpus() -> Iterator[Diagnosis]:
    from hpstudy.worker.devices import GPU_VARIABLE, visible_gpus

    gpus, given = visible_gpus(), os.environ.get(GPU_VARIABLE)
    if not gpus:
        said = f" ({GPU_VARIABLE} is {given!r})" if given else ""
        yield Diagnosis(level=Health.GOOD, what=f"No GPU here{said}; workers train on the processor.")
        return
    seen = subprocess.run(python("-c", _TENSORFLOW), capture_output=True, text=True, check=False)
    count = int(seen.stdout.strip() or 0) if seen.returncode == 0 else 0
    what = f"NVIDIA's driver sees {len(gpus)} GPUs, TensorFlow {count}."
    if count == len(gpus):
        yield Diagnosis(level=Health.GOOD, what=what)
    else:
        fix = "Install TensorFlow with its CUDA libraries: pip install 'hpstudy[gpu]'."
        yield Diagnosis(level=Health.BROKEN, what=what, fix=fix)


def _datasets(settings: Settings) -> Iterator[Diagnosis]:
    from hpstudy import data
    from hpstudy.study.catalog import DATASETS

    for name in DATASETS:
        if not data.locate(name, settings):
            yield Diagnosis(
                level=Health.WARNING,
                what=f"Dataset {name} is not on this machine.",
                fix=f"`hpstudy data fetch {name}`; otherwise it is fetched when a trial first needs it.",
            )
            continue
        try:
            yield Diagnosis(level=Health.GOOD, what=f"Dataset {name}: {data.verify(name, settings).place}.")
        except HpstudyError as error:
            yield Diagnosis(
                level=Health.BROKEN, what=str(error), fix=f"`hpstudy data fetch {name}` after moving it away."
            )


def _disk(settings: Settings) -> Iterator[Diagnosis]:
    folder = next(parent for parent in (settings.home, *settings.home.parents) if parent.exists())
    free_gb = shutil.disk_usage(folder).free / 1e9
    what = f"{free_gb:.1f} GB are free for {settings.home}."
    if free_gb >= DISK_GB:
        yield Diagnosis(level=Health.GOOD, what=what)
    else:
        fix = f"Free at least {DISK_GB:.0f} GB, or put HPSTUDY_HOME on another disk."
        yield Diagnosis(level=Health.WARNING, what=what, fix=fix)
