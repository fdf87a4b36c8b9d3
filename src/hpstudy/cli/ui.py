"""`hpstudy ui`: the tracker's web page on this machine."""

from __future__ import annotations

import subprocess

import click

from hpstudy.cli.options import settings_options
from hpstudy.errors import NotFoundError
from hpstudy.settings import Settings


@click.command("ui", epilog="Example: hpstudy ui --port 5001")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True, help="Port on loopback.")
@settings_options
def ui_command(settings: Settings, port: int) -> None:
    """Open MLflow's UI over the store in .hpstudy, for this machine only."""
    from hpstudy.tracking import tracker_of

    tracker = tracker_of(settings)
    command, environment = tracker.page_command(port)
    click.echo(f"{tracker.name}'s UI will answer at http://127.0.0.1:{port} in a few seconds. Ctrl-C stops it.")
    server = subprocess.Popen(command, env=environment)
    try:
        code = server.wait()
    except KeyboardInterrupt:
        server.wait()
        code = 0
    if code:
        raise NotFoundError(f"{tracker.name}'s server exited with {code}. Is port {port} taken? Try --port {port + 1}.")
