"""`hpstudy submit`: record a study without training it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hpstudy import api
from hpstudy.cli.options import json_option, study_overrides, where_options


@click.command("submit", epilog="Example: hpstudy submit studies/search.py --trials 200")
@click.argument("study_file", metavar="STUDY.py", type=click.Path(path_type=Path))
@click.option("--priority", type=int, help="Workers take studies with a higher number first. Default: 0.")
@study_overrides
@where_options
@json_option
def submit_command(where: api.Where, study_file: Path, as_json: bool, priority: int | None, **changes: object) -> None:
    """Record a study, so that workers anywhere take its trials. Submitting it again changes nothing.

    If the file defines several studies, all of them are recorded.
    """
    for result in api.submit_all(study_file, **where, **changes):  # type: ignore[arg-type]
        if priority is not None:
            result.prioritise(priority)
        _say(result, study_file, as_json)


def _say(result: api.Result, study_file: Path, as_json: bool) -> None:
    from hpstudy.api.rows import status_json

    progress = result.progress()
    if as_json:
        click.echo(json.dumps(status_json(result.study, progress, result.front())))
        return
    needs = f" {study_file}" if result.study.network_digest else ""
    click.echo(
        f"Study {result.name} is recorded: {progress.ended} of {progress.budget} trials are done. "
        f"`hpstudy worker{needs}` on any machine takes them; "
        f"`hpstudy status {result.name} --watch` shows how far it is."
    )
