"""The process from which trainer processes are forked: it has loaded their libraries, which takes seconds, and waits.

Its supervisor starts it as `python -P -m` of this module. TensorFlow is imported, but has not begun to run: it has no
threads yet, and no device. Nothing is forked from a process that has threads, because they would be missing in the new
one and whatever they hold would stay locked for ever.

Each request is a message over a socket of packets: JSON with the options of the trainer process and its environment
variables, and four file descriptors: its input, its log, its pipe for messages, and a pipe over which this process
tells the process id and, once it has ended, the exit code, each as a line.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hpstudy.worker.messages import PIPE_VARIABLE

LARGEST_REQUEST = 65_536  # bytes
# Arrow's allocator starts a thread of its own when it is loaded, unless it is told not to.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}


def main() -> int:
    """The entry point of the process. It ends when its supervisor closes the socket."""
    from hpstudy.worker import trainer_process

    requests = socket.socket(fileno=int(sys.argv[1]))
    trainer_process.load_libraries()
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        print(f"It has {threads} threads, so nothing is forked from it.", file=sys.stderr)
        return 1
    options = _Server(requests).serve()
    return 0 if options is None else trainer_process.main(options)


class _Server:
    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._told: dict[int, int] = {}  # process id → the pipe over which its exit code is told
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)  # as `set_wakeup_fd` demands

    def serve(self) -> list[str] | None:
        """Fork at every request. Returns in each new process, with its options, and at the end, with None."""
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only so that it writes to the pipe
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        while True:
            readable, _, _ = select.select([self._requests.fileno(), self._woken], [], [])
            if self._woken in readable:
                os.read(self._woken, 4096)
                self._reap()
            if self._requests.fileno() not in readable:
                continue
            packet, files, _, _ = socket.recv_fds(self._requests, LARGEST_REQUEST, 4)
            if not packet:
                return None
            if (options := self._fork(json.loads(packet), files)) is not None:
                return options

    def _fork(self, request: Mapping[str, Any], files: Sequence[int]) -> list[str] | None:
        """Returns None in this process, and the options in the new one."""
        *of_trainer, told = files
        try:
            pid = os.fork()
        except OSError:  # the supervisor sees that its pipe is closed without a process id
            traceback.print_exc()
            pid = None
        if pid == 0:
            self._leave(told)
            _become(request["environment"], of_trainer)
            options: list[str] = request["options"]
            return options
        for file in of_trainer:
            os.close(file)
        if pid is None:
            os.close(told)
        else:
            self._told[pid] = told
            self._tell(pid, pid)
        return None

    def _leave(self, told: int) -> None:
        """Close in a new process what belongs to this one: an end that stays open would hide that others are gone."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._requests.close()
        for file in (self._woken, self._wakes, told, *self._told.values()):
            os.close(file)

    def _reap(self) -> None:
        while self._told:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._tell(pid, os.waitstatus_to_exitcode(status))
            os.close(self._told.pop(pid))

    def _tell(self, pid: int, number: int) -> None:
        with suppress(BrokenPipeError):  # the supervisor is gone
            os.write(self._told[pid], b"%d\n" % number)


def _become(environment: Mapping[str, str], files: Sequence[int]) -> None:
    """Take the place of a process that was started with these environment variables, input, log and message pipe."""
    os.setsid()  # Ctrl-C is the supervisor's to handle
    taken, log, pipe = files
    for file, standard in ((taken, 0), (log, 1), (log, 2)):
        os.dup2(file, standard)
    for file in (taken, log):
        os.close(file)
    os.environ.update({**environment, PIPE_VARIABLE: str(pipe)})
    if (threads := int(environment["OMP_NUM_THREADS"])) > 1:  # the libraries were loaded for one
        import threadpoolctl  # type: ignore[import-untyped]

        threadpoolctl.threadpool_limits(threads)


if __name__ == "__main__":
    sys.exit(main())
