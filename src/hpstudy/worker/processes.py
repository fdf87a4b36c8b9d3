"""Trainer processes as their supervisor starts them: forked from a process that has the libraries, or on their own."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, BinaryIO, Protocol

from hpstudy.python import python
from hpstudy.worker import fork_server
from hpstudy.worker.messages import PIPE_VARIABLE

UNKNOWN_CODE = 254  # of a process whose fork server was killed before it


class TrainerProcess(Protocol):
    """What the supervisor needs of a process; a `subprocess.Popen` is one."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    @property
    def stdin(self) -> IO[bytes] | None: ...

    def kill(self) -> None: ...

    def wait(self) -> int: ...


def start_alone(
    command: Sequence[str], environment: Mapping[str, str], log: BinaryIO, pipe: int
) -> subprocess.Popen[bytes]:
    """Start a process that loads its own libraries.

    Args:
        environment: All of its variables but that of the pipe.
        pipe: The end to which it writes its messages.
    """
    return subprocess.Popen(
        command,
        env={**environment, PIPE_VARIABLE: str(pipe)},
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        pass_fds=(pipe,),
        start_new_session=True,  # Ctrl-C is the supervisor's to handle
    )


class ForkServer:
    """The process from which trainer processes are forked. It loads its libraries while requests wait."""

    def __init__(self, environment: Mapping[str, str], log: BinaryIO) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                python("-m", "hpstudy.worker.fork_server", str(theirs.fileno())),
                env={**environment, **fork_server.ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def fork(self, options: Sequence[str], environment: Mapping[str, str], log: BinaryIO, pipe: int) -> Fork:
        """Ask for a process. Its variables are those of this server and `environment`.

        Raises:
            OSError: the server has ended.
        """
        taken, given = os.pipe()
        told, tells = os.pipe()
        request = json.dumps({"options": options, "environment": environment}).encode()
        try:
            socket.send_fds(self._requests, [request], [taken, log.fileno(), pipe, tells])
        except OSError:
            for file in (given, told):
                os.close(file)
            raise
        finally:
            for file in (taken, tells):
                os.close(file)
        return Fork(os.fdopen(given, "wb", buffering=0), told)

    def close(self) -> None:
        """Let it end."""
        self._requests.close()
        self._process.kill()
        self._process.wait()


class Fork:
    """A process that was asked of a fork server; once `begin` has returned True, it is a `TrainerProcess`."""

    def __init__(self, stdin: IO[bytes], told: int) -> None:
        self.stdin: IO[bytes] | None = stdin
        self.pid = 0
        self.returncode: int | None = None
        self._told, self._handle = told, -1

    def fileno(self) -> int:
        """Readable when the server has told the process id, or cannot."""
        return self._told

    def begin(self) -> bool:
        """Read the process id. Returns False if there will be no process."""
        line = self._line()
        if not line:
            return False
        self.pid = int(line)
        with suppress(ProcessLookupError):  # it has ended already
            self._handle = os.pidfd_open(self.pid)
        return True

    def kill(self) -> None:
        """End it. One that has not begun ends as soon as it does, as its input is closed."""
        if self.returncode is None and self._handle >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        elif not self.pid:
            self.give_up()
            self.returncode = UNKNOWN_CODE

    def wait(self) -> int:
        """Until it has ended. Returns its exit code, or minus the number of the signal that ended it."""
        if self.returncode is None:
            code = self._line()
            if not code and self._handle >= 0:  # nobody is left who could tell
                select.select([self._handle], [], [])
            self.returncode = int(code or UNKNOWN_CODE)
            self._close()
        return self.returncode

    def give_up(self) -> None:
        """Nobody needs the process. If it begins all the same, it ends, as its input is closed."""
        if self.stdin:
            self.stdin.close()
        self._close()

    def _close(self) -> None:
        for file in (self._told, self._handle):
            if file >= 0:
                os.close(file)
        self._told = self._handle = -1

    def _line(self) -> bytes:
        """The next line, byte by byte so that nothing of the one after it is taken; empty at the end."""
        line = b""
        while (byte := os.read(self._told, 1)) not in {b"", b"\n"}:
            line += byte
        return line
