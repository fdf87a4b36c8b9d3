"""`hpstudy evaluate`: the test split, once, after the study."""

from __future__ import annotations

from pathlib import Path

import click

from hpstudy.cli.options import json_option, open_study, settings_options, study_argument
from hpstudy.errors import UserError
from hpstudy.settings import Settings


@click.command("evaluate", epilog="Example: hpstudy evaluate optimizers")
@study_argument
@click.option("--file", "study_file", metavar="STUDY.py", type=click.Path(path_type=Path), help="For an own network.")
@click.option("--again", is_flag=True, help="Score it again although there is a result, and replace that.")
@settings_options
@json_option
def evaluate_command(settings: Settings, name: str, study_file: Path | None, again: bool, as_json: bool) -> None:
    """Score the configuration that validation chose on the test split, which no trial has seen.

    Do this once, at the end: a configuration that is changed after a look at the test score is chosen by it.
    """
    import json

    from hpstudy.cli import render
    from hpstudy.cli.report import print_findings, print_section
    from hpstudy.evaluation import evaluate
    from hpstudy.report.held_out import held_out_finding, held_out_section
    from hpstudy.studyfile import load

    queue = open_study(settings, name)
    found = queue.evaluation()
    if found and not again:
        click.echo("Evaluated before; --again does it once more.", err=True)
    else:
        progress = queue.progress()
        if progress.ended < progress.budget:
            raise UserError(
                f"Study {name!r} is not finished: {progress.ended} of {progress.budget} trials. The test split is for "
                "the end, when nothing is chosen any more. `hpstudy run` goes on with the study."
            )
        build = load(study_file).build if study_file else None
        found = evaluate(queue.study, queue.records(), settings, build, lambda text: click.echo(text, err=True))
        queue.keep_evaluation(found)
    if as_json:
        click.echo(json.dumps(found))
        return
    console = render.console()
    print_findings(console, [held_out_finding(found)])
    print_section(console, held_out_section(found))
