"""The command line: parse, wire the parts together, print, exit. Nothing imports this package."""

from __future__ import annotations

import atexit
import gc
import importlib
import sys
from typing import Any

import click

from hpstudy.cli.terminal import echo
from hpstudy.errors import HpstudyError

COMMANDS = {  # command → module of this package; each is imported only when it is needed
    "run": "run",
    "init": "init",
    "factors": "factors",
    "submit": "submit",
    "worker": "worker",
    "workers": "worker",
    "ls": "studies",
    "status": "studies",
    "stop": "instructions",
    "resume": "instructions",
    "priority": "instructions",
    "retry": "instructions",
    "extend": "instructions",
    "show": "trials",
    "best": "trials",
    "export": "trials",
    "report": "report",
    "compare": "report",
    "analyse": "analyse",
    "reproduce": "reproduce",
    "evaluate": "evaluate",
    "delete": "studies",
    "sync": "studies",
    "doctor": "doctor",
    "data": "data",
    "ui": "ui",
}


# The garbage collector walks all objects of the libraries again and again while they load, and once more at exit. That
# costs a run a second and a half, and finds nothing worth freeing.
gc.set_threshold(10_000, 10, 10)
atexit.register(gc.freeze)


class _Group(click.Group):
    """Loads commands lazily and turns errors into one sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"hpstudy.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except KeyboardInterrupt:
            ctx.exit(130)
        except HpstudyError as error:
            if "--debug" in sys.argv:
                raise
            echo(f"Error: {error}", fg="red", err=True)
            ctx.exit(error.exit_code)
        except BrokenPipeError:  # whoever reads our output, such as `head`, has stopped reading
            sys.stderr.close()
            ctx.exit(0)
        except Exception as error:
            if "--debug" in sys.argv:
                raise
            echo(
                f"Error: something unexpected happened in hpstudy ({type(error).__name__}: {error}). What was "
                "recorded is safe. The same command with --debug shows where it happened; please report that.",
                fg="red",
                err=True,
            )
            ctx.exit(1)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: hpstudy init mine && hpstudy run mine.py && hpstudy ui",
)
@click.version_option(package_name="hpstudy", prog_name="hpstudy")
def main() -> None:
    """Honest hyperparameter studies of Keras networks.

    Declare a study in a short Python file, run it, stop it, resume it, and browse every trial in MLflow.
    """
