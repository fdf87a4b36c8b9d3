"""`hpstudy evaluate`: the test split, once, after the study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpstudy.cli.options import json_option, open_study, settings_options, study_argument
from hpstudy.errors import HpstudyError, UserError
from hpstudy.settings import Settings

if TYPE_CHECKING:
    from hpstudy.storage import StudyQueue


@click.command("evaluate", epilog="Example: hpstudy evaluate optimizers")
@study_argument
@click.option("--file", "study_file", metavar="STUDY.py", type=click.Path(path_type=Path), help="For an own network.")
@click.option("--again", is_flag=True, help="Score it again although there is a result, and replace that.")
@click.option("--register", metavar="MODEL", help="Also make it a version of this model in MLflow's registry.")
@settings_options
@json_option
def evaluate_command(
    settings: Settings, name: str, study_file: Path | None, again: bool, register: str | None, as_json: bool
) -> None:
    """Score the configuration that validation chose on the test split, which no trial has seen.

    `hpstudy run` does this at its end. Do it once: a configuration that is changed after a look at the test score is
    chosen by it. The networks that were scored become a model on the study's run in MLflow.
    """
    import json

    from hpstudy.cli import render
    from hpstudy.cli.ending import forget_weights_but
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
        forget_weights_but(settings, name, found)
    if as_json:
        click.echo(json.dumps(found))
    else:
        console = render.console()
        print_findings(console, [held_out_finding(found)])
        print_section(console, held_out_section(found))
    uri = _to_mlflow(settings, queue)
    if register:
        _register(settings, name, uri, register)


def _to_mlflow(settings: Settings, queue: StudyQueue) -> str | None:
    from hpstudy.cli.ending import package_or_tell
    from hpstudy.mirror import Mirror
    from hpstudy.report.build import build_report

    report = build_report(queue.study, queue.records(), evaluation=queue.evaluation())
    _, uri = package_or_tell(settings, queue, Mirror(settings, queue.study, identity=queue.identity), report)
    return uri


def _register(settings: Settings, name: str, uri: str | None, model: str) -> None:
    """Raises HpstudyError if there is no model in MLflow."""
    from hpstudy.packaging import register

    if uri is None:
        raise HpstudyError(
            f"Nothing was registered, because MLflow has no model of study {name!r}. If the networks lie on another "
            f"machine, use this command there; `hpstudy evaluate {name} --again` makes them here."
        )
    version, is_new = register(settings, uri, model)
    click.echo(f"{'Registered as' if is_new else 'Registered before as'} {model}, version {version}.", err=True)
