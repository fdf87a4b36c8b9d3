"""What MLflow costs: the time that a trainer waits for it, and the requests of a trial on the wire."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from benchmarks.harness import Options, Report, Row, Run, Side, interleaved, new_folder, python, timed
from benchmarks.servers import mlflow_server

_WORKLOADS = Path(__file__).parent / "workloads"
_NOBODY = "http://127.0.0.1:9"  # the discard port of loopback, where nothing answers
_REQUEST = re.compile(rb"^(GET|POST|PATCH|PUT|DELETE) (\S+) HTTP/1\.[01]\r\n", re.MULTILINE)


def run(options: Options) -> Report:
    return Report(rows=[_requests(options), _waiting(options)])


def _requests(options: Options) -> Row:
    """Counted by a proxy before a real tracking server, over a whole run of trials of several epochs."""
    with new_folder() as folder, mlflow_server(folder) as port, _counting(port) as (address, seen):
        file = folder / "many.py"
        shutil.copy(_WORKLOADS / "many.py", file)
        trials = 4 if options.smoke else 60
        arguments = ["run", file, "--trials", trials, "--processes", 2, "--home", folder / "home"]
        timed(python("hpstudy", *arguments, "--tracking-uri", address))
        total = sum(seen.values())
    side = Side(name="hpstudy", values=[total / trials], unit="requests a trial", more={"by kind": dict(seen)})
    return Row(
        what=f"requests to MLflow in a run of {trials} trials, those of the study itself included",
        ours=side,
        goal="≤ 5 a trial",
        met=total <= 5 * trials,
        reached=f"{total / trials:.1f}",
        notes=[f"Requests by kind: {', '.join(f'{kind} {count}' for kind, count in seen.most_common())}."],
    )


def _waiting(options: Options) -> Row:
    """Training time with a server that is not there beside that with the embedded store, for the same trials."""
    sides = interleaved(
        {
            "MLflow away": lambda: _trained(options, ["--tracking-uri", _NOBODY]),
            "embedded store": lambda: _trained(options, []),
        },
        options.times(3),
    )
    away, embedded = sides["MLflow away"], sides["embedded store"]
    difference = away.median - embedded.median
    spread = max(*away.values, *embedded.values) - min(*away.values, *embedded.values)
    return Row(
        what="time from the first claim to the last end of the trials, MLflow away",
        ours=away,
        theirs=embedded,
        goal="no longer than with MLflow",
        met=difference <= spread,
        reached=f"{difference:+.2f} s, within a spread of {spread:.2f} s",
        notes=["A trainer process does not import MLflow (tests/test_architecture.py), so it cannot wait for it."],
    )


def _trained(options: Options, given: list[str]) -> Run:
    with new_folder() as folder:
        file = folder / "many.py"
        shutil.copy(_WORKLOADS / "many.py", file)
        home = ["--home", str(folder / "home")]
        timed(python("hpstudy", "run", file, "--trials", 4 if options.smoke else 60, "--processes", 2, *home, *given))
        _, printed = timed(python("hpstudy", "export", "many", "--format", "json", *home))
        trials = json.loads(printed)
    begun = [datetime.fromisoformat(trial["started"]).timestamp() for trial in trials]
    ended = max(start + trial["duration_s"] for start, trial in zip(begun, trials, strict=True))
    return Run(value=ended - min(begun), accuracy=max(trial["value"] for trial in trials))


@contextlib.contextmanager
def _counting(port: int) -> Iterator[tuple[str, Counter[str]]]:
    """A proxy on loopback that counts the requests that pass it, by method and the end of the path."""
    seen: Counter[str] = Counter()
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", port))
            for source, target, count in ((client, server, True), (server, client, False)):
                threading.Thread(target=_pump, args=(source, target, seen if count else None), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        listener.close()


def _pump(source: socket.socket, target: socket.socket, seen: Counter[str] | None) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            if seen is not None:
                for method, path in _REQUEST.findall(data):
                    name = path.decode().partition("?")[0].rsplit("/api/2.0/mlflow/", 1)[-1]
                    seen[f"{method.decode()} {name if len(name) < 40 else 'artifact'}"] += 1
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
