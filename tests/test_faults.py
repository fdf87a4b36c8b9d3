"""Faults on PostgreSQL, all of them real: kills, pauses, restarts, broken and half-open connections.

After each one the checker reads the database: exact budget, every cell once, nothing running, each lost trial
repeated once, attempts within bounds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from chaos import Chaos
from checker import assert_whole
from claims import ME, await_loss, finish, finish_all
from hpstudy import Choice, Grid, Study
from hpstudy.errors import StorageError
from hpstudy.records import Epoch, TrialState
from hpstudy.storage import Heartbeat, Store, StudyQueue
from hpstudy.storage import postgres_connection as connections
from mlflow_server import MlflowServer
from nursery import Nursery, Order
from postgres import Postgres
from proxy import Proxy
from tls import TlsFront, make_certificate
from waiting import wait_until


def make_study(cells: int = 6, replicates: int = 2) -> Study:
    vary = dict(units=Choice(*range(1, cells + 1)))
    return Study(name="study", dataset="digits", vary=vary, design=Grid(replicates=replicates))


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture
def open_queue() -> Iterator[Callable[..., StudyQueue]]:
    stores: list[Store] = []

    def open_queue(url: str, grace_s: float = 30.0, patience_s: float = 60.0) -> StudyQueue:
        stores.append(Store(url, grace_s=grace_s, patience_s=patience_s))
        return stores[-1].register(make_study())

    yield open_queue
    for store in stores:
        store.close()


@pytest.fixture
def queue(url: str, open_queue: Callable[..., StudyQueue]) -> StudyQueue:
    return open_queue(url)


def test_a_worker_may_be_killed_before_any_statement_of_claim_report_and_finish(
    nursery: Nursery, url: str, queue: StudyQueue
) -> None:
    """Killed at its first statement, then another one at its second, …, until one finishes a trial."""
    for step in range(100):
        order = Order(url=url, trials=1, die_at=step)
        nursery.wait(nursery.start(order))
        if any(record.state == TrialState.COMPLETE for record in queue.trials.records()):
            break
    assert step > 10, "claim, report and finish take more than ten statements and commits"
    finish_all(queue)
    assert_whole(queue)


def test_a_killed_workers_trial_is_reconciled_once_by_eight_who_find_it(
    nursery: Nursery, url: str, queue: StudyQueue
) -> None:
    (victim,) = nursery.start(Order(url=url, epoch_s=60))
    wait_until(lambda: queue.trials.progress().running == 1)
    os.kill(victim, signal.SIGKILL)
    nursery.wait([victim])
    nursery.wait(nursery.start(Order(url=url), 8))
    assert_whole(queue)
    assert queue.trials.progress().lost == 1


def test_a_worker_that_was_paused_past_its_grace_period_goes_on_with_other_trials(
    nursery: Nursery, url: str, open_queue: Callable[..., StudyQueue]
) -> None:
    """A zombie: its trial is taken away and repeated, its late result is refused, and it does not crash."""
    queue = open_queue(url, grace_s=1.0)
    (zombie,) = nursery.start(Order(url=url, epochs=5, epoch_s=0.05, heartbeat_s=0.3, grace_s=1.0))
    wait_until(lambda: queue.trials.progress().complete == 1)
    os.kill(zombie, signal.SIGSTOP)
    while queue.trials.progress().running == 0:  # it was between two trials
        os.kill(zombie, signal.SIGCONT)
        wait_until(lambda: queue.trials.progress().running == 1)
        os.kill(zombie, signal.SIGSTOP)
    await_loss(queue)
    claim = queue.claims.claim(ME)
    assert claim is not None
    finish(claim)
    os.kill(zombie, signal.SIGCONT)
    nursery.wait([zombie])
    assert_whole(queue)
    assert queue.trials.progress().lost == 1
    assert claim.start.retry_of is not None
    assert "sent no heartbeat" in str(queue.trials.record(claim.start.retry_of).error)


def test_eight_workers_share_the_last_trial(nursery: Nursery, url: str, queue: StudyQueue) -> None:
    for _ in range(11):
        claim = queue.claims.claim(ME)
        assert claim is not None
        finish(claim)
    nursery.wait(nursery.start(Order(url=url), 8))
    assert_whole(queue)
    assert len(queue.trials.records()) == 12


@pytest.mark.parametrize("crash", [False, True], ids=["restart", "crash"])
def test_the_server_restarts_while_workers_claim_report_and_finish(
    nursery: Nursery, postgres: Postgres, open_queue: Callable[..., StudyQueue], crash: bool
) -> None:
    if not postgres.can_restart:
        pytest.skip("the server of HPSTUDY_TEST_POSTGRES is not ours to restart")
    url = postgres.new_database()
    queue = open_queue(url)
    workers = nursery.start(Order(url=url, epochs=3, epoch_s=0.03), 3)
    wait_until(lambda: queue.trials.progress().complete >= 2)
    postgres.restart(crash=crash)
    nursery.wait(workers)
    assert_whole(queue)
    assert queue.trials.progress().lost == 0, "an outage is no reason to lose a trial"


def test_a_commit_whose_answer_is_lost_is_not_done_twice(url: str, open_queue: Callable[..., StudyQueue]) -> None:
    """At every commit of claim, heartbeat, report and finish in turn."""
    queue = open_queue(url)
    commits = 0
    with Proxy.before(url) as proxy:
        proxied = open_queue(proxy.address(url))
        proxy.swallow_answer_to(b"COMMIT", after=commits)
        while claim := proxied.claims.claim(ME):
            claim.beat()
            claim.report(Epoch(number=1, at=time.time(), metrics={"val_accuracy": 0.5}))
            finish(claim)
            if not proxy.swallowed.is_set():
                break
            commits += 1
            proxy.swallow_answer_to(b"COMMIT", after=commits)
        assert commits >= 4
        finish_all(proxied)
    assert_whole(queue)
    assert len(queue.trials.records()) == 12


def test_broken_connections_are_replaced(url: str, queue: StudyQueue, open_queue: Callable[..., StudyQueue]) -> None:
    with Proxy.before(url) as proxy:
        proxied = open_queue(proxy.address(url))
        while True:
            proxy.drop()
            claim = proxied.claims.claim(ME)
            if claim is None:
                break
            proxy.drop()
            finish(claim)
    assert_whole(queue)
    assert len(queue.trials.records()) == 12


def test_a_half_open_connection_is_noticed(
    url: str, queue: StudyQueue, open_queue: Callable[..., StudyQueue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ANSWER_S", 1.0)
    with Proxy.before(url) as proxy:
        proxied = open_queue(proxy.address(url))
        claim = proxied.claims.claim(ME)
        assert claim is not None
        proxy.stall()
        begun = time.monotonic()
        finish(claim)
        assert time.monotonic() - begun < 10
        finish_all(proxied)
    assert_whole(queue)
    assert len(queue.trials.records()) == 12


def test_a_lock_behind_a_half_open_connection_is_taken_back_by_the_server(
    url: str, open_queue: Callable[..., StudyQueue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ABANDONED_S", 1.0)
    with Proxy.before(url) as proxy:
        stalled, other = open_queue(proxy.address(url)), open_queue(url)
        lock = stalled.entry.lock()
        lock.__enter__()
        proxy.stall()
        begun = time.monotonic()
        claim = other.claims.claim(ME)
        assert claim is not None
        assert 0.5 < time.monotonic() - begun < 10
        finish(claim)
        finish_all(other)
        proxy.drop()
        lock.__exit__(None, None, None)
    assert_whole(other)


def test_two_who_believe_that_they_hold_the_lock_create_one_trial(
    url: str, open_queue: Callable[..., StudyQueue], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock ends with its connection, which its holder need not notice: creation is fenced by itself."""
    queues = [open_queue(url) for _ in range(2)]
    for queue in queues:
        monkeypatch.setattr(queue.entry, "lock", threading.Lock)
    threads = [threading.Thread(target=finish_all, args=[queue]) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(record.state == TrialState.COMPLETE for record in queues[0].trials.records()) == 12


def test_heartbeats_outlive_an_outage(url: str, open_queue: Callable[..., StudyQueue]) -> None:
    with Proxy.before(url) as proxy:
        proxied = open_queue(proxy.address(url), patience_s=0.2)
        claim = proxied.claims.claim(ME)
        assert claim is not None
        observer = open_queue(url).database
        with Heartbeat(claim, 0.1):
            with proxy.outage():
                wait_until(lambda: observer.heartbeat_ages_s([1])[1] > 1.0)
            wait_until(lambda: observer.heartbeat_ages_s([1])[1] < 0.5)
        finish(claim)


def test_everything_is_killed_at_once_and_started_again(
    nursery: Nursery, postgres: Postgres, open_queue: Callable[..., StudyQueue]
) -> None:
    if not postgres.can_restart:
        pytest.skip("the server of HPSTUDY_TEST_POSTGRES is not ours to stop")
    url = postgres.new_database()
    queue = open_queue(url)
    workers = nursery.start(Order(url=url, epochs=2, epoch_s=0.1), 4)
    wait_until(lambda: queue.trials.progress().complete >= 1)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    postgres.stop(crash=True)
    nursery.wait(workers)
    postgres.start()
    nursery.wait(nursery.start(Order(url=url), 4))
    assert_whole(queue)
    assert queue.trials.progress().lost >= 1


def test_wrong_clocks_and_other_time_zones_lose_no_trial(
    nursery: Nursery, url: str, open_queue: Callable[..., StudyQueue]
) -> None:
    """An hour ahead, half a day behind. Only the database's clock is compared, and always as UTC."""
    queue = open_queue(url, grace_s=2.0)
    workers: list[int] = []
    for clock_s, zone in ((3600, "Asia/Seoul"), (-12 * 3600, "America/New_York"), (0, "UTC")):
        order = Order(url=url, epochs=4, epoch_s=0.1, heartbeat_s=0.3, grace_s=2.0, clock_s=clock_s)
        workers += nursery.start(order, environment={"TZ": zone, "PGTZ": zone})
    nursery.wait(workers)
    assert_whole(queue)
    assert queue.trials.progress().lost == 0


def test_a_process_has_at_most_two_connections(url: str, postgres: Postgres, queue: StudyQueue) -> None:
    """Also while one thread holds the lock and two others write."""
    claim = queue.claims.claim(ME)
    assert claim is not None
    most, over = 0, threading.Event()

    def count() -> None:
        nonlocal most
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hpstudy'"
        )
        while not over.is_set():
            most = max(most, int(str(postgres.execute(query, url)[0][0])))

    counter = threading.Thread(target=count)
    counter.start()
    with Heartbeat(claim, 0.01):
        beating = threading.Thread(target=lambda: [claim.beat() for _ in range(50)])
        beating.start()
        for _ in range(10):
            queue.claims.reconcile()
        beating.join()
    over.set()
    counter.join()
    assert most == 2


def test_however_many_start_first_the_tables_are_made_once(
    nursery: Nursery, postgres: Postgres, open_queue: Callable[..., StudyQueue]
) -> None:
    url = postgres.bare_database()
    errors: list[Exception] = []

    def open_store() -> None:
        try:
            Store(url).close()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=open_store) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    finish_all(open_queue(url))


def test_the_database_is_reached_by_tls_and_its_certificate_is_checked(url: str, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    address = make_url(url)
    with TlsFront(address.port or 5432, certificate, greets=True) as front:
        address = address.set(host="localhost", port=front.port)

        def by_tls(authority: Path) -> str:
            options = {"sslmode": "verify-full", "sslrootcert": str(authority)}
            return address.update_query_dict(options).render_as_string(hide_password=False)

        Store(by_tls(certificate)).close()
        with pytest.raises(StorageError, match="certificate verify failed"):
            Store(by_tls(make_certificate(tmp_path / "other")), patience_s=0.1)


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(StorageError, match="nothing listens") as failure:
        Store("postgresql://me:canary@127.0.0.1:1/db?password=canary2", patience_s=0.1)
    assert "canary" not in str(failure.value)


def test_a_few_seconds_of_chaos_violate_nothing(
    postgres: Postgres, nursery: Nursery, mlflow_server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make chaos` goes on for ten minutes."""
    if not postgres.can_restart:
        pytest.skip("the server of HPSTUDY_TEST_POSTGRES is not ours to restart")
    for name, value in mlflow_server.login.items():
        monkeypatch.setenv(name, value)
    mlflow_server.await_health()
    assert Chaos(7, postgres, nursery, mlflow_server, tmp_path / "home").run(seconds=5) == []


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
from types import SimpleNamespace
from hpstudy.owner import Owner
from hpstudy.records import Epoch
from hpstudy.settings import Settings
from hpstudy.storage import Store
from hpstudy.worker.attempt import Attempt

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
claim = Store(sys.argv[1]).open("study").claims.claim(Owner.of_process())
pipe = SimpleNamespace(send=lambda kind, **values: print(kind, values.get("text", "")))
attempt = Attempt(claim, Settings.load({"home": sys.argv[2]}), pipe)
attempt.add(Epoch(number=1, at=1.0, metrics={"val_accuracy": 0.5}), 0.5)
resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))  # from here on no file grows
for number in (2, 3):
    attempt.add(Epoch(number=number, at=float(number), metrics={"val_accuracy": 0.5}), 0.5)
claim.complete(attempt.outcome(metrics={"val_accuracy": 0.5}))
attempt.ended("complete")
"""


def test_a_full_disk_in_the_run_directory_costs_no_result(url: str, queue: StudyQueue, tmp_path: Path) -> None:
    command = [sys.executable, "-c", DISK_FULL, url, str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.count("cannot be written") == 1
    assert [epoch.number for epoch in queue.trials.record(0).history] == [1, 2, 3]
    finish_all(queue)
    assert_whole(queue)
