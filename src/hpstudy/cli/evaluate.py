"""`hpstudy evaluate`: score the test split once, after the study."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hpstudy import api
from hpstudy.cli.options import json_option, study_argument, where_options


@click.command("evaluate", epilog="Example: hpstudy evaluate optimizers")
@study_argument
@click.option(
    "--file",
    "study_file",
    metavar="STUDY.py",
    type=click.Path(path_type=Path),
    help="Needed if the study builds its own network.",
)
@click.option("--again", is_flag=True, help="Score it again, and replace the result.")
@click.option("--register", metavar="MODEL", help="Also make it a version of this model in MLflow's registry.")
@where_options
@json_option
def evaluate_command(
    where: api.Where, name: str, study_file: Path | None, again: bool, register: str | None, as_json: bool
) -> None:
    """Score the configuration that validation chose on the test split, which no trial has seen.

    `hpstudy run` does this at its end. Do it once: whoever changes a configuration after a look at the test score
    has chosen it by that score. The networks that were scored become a model on the study's run in MLflow.
    """
    with api.open(name, **where) as result:
        if result.evaluation and not again:
            click.echo("Already evaluated; --again scores it once more.", err=True)
        evaluation = result.evaluate(again=again, file=study_file)
        if as_json:
            click.echo(json.dumps(evaluation.to_json()))
        else:
            _print(result, evaluation)
        if register:
            version, is_new = result.register(register)
            done = "Registered as" if is_new else "Already registered as"
            click.echo(f"{done} {register}, version {version}.", err=True)


def _print(result: api.Result, evaluation: api.Evaluation) -> None:
    from hpstudy.api import tables
    from hpstudy.evaluation.evaluate import chosen_since
    from hpstudy.report.baselines import baselines_finding
    from hpstudy.report.held_out import held_out_finding, held_out_section

    console, study, baselines = tables.console(), result.study, result.baselines()
    since = chosen_since(study, result.records(), evaluation)
    findings = [held_out_finding(study.texts, evaluation, since, study=study.name)]
    findings += [baselines_finding(study, baselines)] if baselines else []
    tables.print_findings(console, findings)
    tables.print_section(console, held_out_section(evaluation, baselines))
