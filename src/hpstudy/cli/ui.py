"""`hpstudy ui`: the tracker's web page on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from types import FrameType

import click

from hpstudy.cli.options import settings_options
from hpstudy.errors import NotFoundError
from hpstudy.settings import Settings

_PATIENCE_S = 10.0  # how long the server may take to end


@click.command("ui", epilog="Example: hpstudy ui optimizers --port 5001")
@click.argument("name", required=False)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True, help="Port on loopback.")
@settings_options
def ui_command(settings: Settings, port: int, name: str | None) -> None:
    """Open MLflow's UI over the store in .hpstudy, for this machine only.

    It prints the address at which the page of study NAME opens, or those of all studies. If MLflow is a server, the
    address is all that `hpstudy ui NAME` gives, as there is nothing to start.
    """
    from hpstudy.addresses import is_server
    from hpstudy.tracking import tracker_of

    tracker = tracker_of(settings)
    if name is not None and is_server(settings.tracking_uri):
        _tell(tracker.addresses(name, port))
        return
    command, environment = tracker.page_command(port)
    _check_free(port)
    addresses = tracker.addresses(name, port)
    click.echo(f"{tracker.name}'s UI will answer at http://127.0.0.1:{port} in a few seconds. Ctrl-C stops it.")
    _tell(addresses)
    if code := _serve(command, environment):
        raise NotFoundError(f"{tracker.name}'s server exited with {code}. Its own message stands above.")


def _tell(addresses: Mapping[str, str]) -> None:
    for study, address in addresses.items():
        click.echo(f"{study}: {address}")


def _check_free(port: int) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise NotFoundError(
                f"Port {port} is taken ({error.strerror}). If it is an earlier `hpstudy ui`, open "
                f"http://127.0.0.1:{port} or stop that one; otherwise try --port {port + 1 if port < 65535 else 5001}."
            ) from None


def _serve(command: list[str], environment: dict[str, str]) -> int:
    """Run the server until it ends or this process is asked to end. Returns its exit code; 0 if it was asked."""
    with _asked_to_end():
        server = subprocess.Popen(command, env=environment, start_new_session=True)
        try:
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            _end(server)


@contextlib.contextmanager
def _asked_to_end() -> Iterator[None]:
    """SIGTERM, and SIGHUP of a closed terminal, end the command as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server with its workers, which are its process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(_PATIENCE_S)
