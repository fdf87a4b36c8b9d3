"""`hpstudy ui`: MLflow's page over the embedded store."""

from __future__ import annotations

import os
import subprocess

import click

from hpstudy.cli.options import settings_options
from hpstudy.errors import NotFoundError
from hpstudy.settings import Settings


@click.command("ui", epilog="Example: hpstudy ui --port 5001")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True, help="On loopback.")
@settings_options
def ui_command(settings: Settings, port: int) -> None:
    """Open MLflow's UI over the store in .hpstudy, for this machine only."""
    from hpstudy.tracking.mlflow.server import ui_command as server_command
    from hpstudy.tracking.mlflow.server import ui_environment

    command = server_command(settings, port=port)
    if not (settings.home / "mlflow.db").exists():
        raise NotFoundError(f"There is nothing to show in {settings.home} yet. `hpstudy run STUDY.py` fills it.")
    click.echo(f"MLflow's UI will answer at http://127.0.0.1:{port} in a few seconds. Ctrl-C ends it.")
    environment = {**os.environ, **ui_environment(settings)}
    server = subprocess.Popen(command, env=environment)
    try:
        code = server.wait()
    except KeyboardInterrupt:
        server.wait()
        code = 0
    if code:
        raise NotFoundError(f"MLflow's server ended with {code}. Is port {port} taken? Try --port {port + 1}.")
