"""`hpstudy run`: train a study to its end on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from hpstudy import api
from hpstudy.cli.options import language_option, study_overrides, where_options
from hpstudy.report.languages import speaking

INTERRUPTED = 130  # the exit code of a run that was stopped


@click.command("run", epilog="Example: hpstudy run studies/optimizers.py --replicates 1")
@click.argument("study_file", metavar="STUDY.py", type=click.Path(path_type=Path))
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="Number of trainer processes [default: one per core, if memory and container allow].",
)
@study_overrides
@click.option("--fresh", is_flag=True, help="Delete the study's recorded trials and start again.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="A trial that takes longer ends as failed; checked after each epoch.",
)
@click.option(
    "--hours",
    type=click.FloatRange(0, min_open=True),
    help="Try nothing new after so many hours: the study ends with what was begun, and confirms what it found.",
)
@language_option
@where_options
@click.pass_context
def run_command(
    ctx: click.Context,
    /,
    where: api.Where,
    study_file: Path,
    processes: int | None,
    timeout: float | None,
    hours: float | None,
    fresh: bool,
    language: str,
    **changes: object,
) -> None:
    """Run a study to its end. After Ctrl-C, the same command resumes where it stopped.

    If the file defines several studies, they run one after another. Those whose dataset cannot be found are skipped.
    """
    how = {"processes": processes, "fresh": fresh, "timeout": timeout, "hours": hours}
    with speaking(language):
        results = api.run_all(study_file, **how, **where, **changes)  # type: ignore[arg-type]
    if api.is_stopped(results[-1]):
        ctx.exit(INTERRUPTED)
    code = int(any(not result.progress().complete for result in results))
    if code and len(results) > 1:
        click.secho("Not every study of the file has a result; see above. The same command tries again.", err=True)
    ctx.exit(code)
