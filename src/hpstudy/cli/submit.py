"""`hpstudy submit`: record a study without training it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hpstudy.cli.options import json_option, open_store, settings_options
from hpstudy.cli.run import load_study, study_overrides
from hpstudy.settings import Settings


@click.command("submit", epilog="Example: hpstudy submit studies/search.py --trials 200")
@click.argument("study_file", metavar="STUDY.py", type=click.Path(path_type=Path))
@study_overrides
@settings_options
@json_option
def submit_command(
    settings: Settings,
    study_file: Path,
    trials: int | None,
    replicates: int | None,
    epochs: int | None,
    quick: bool,
    as_json: bool,
) -> None:
    """Record a study, so that workers anywhere take its trials. Done twice, it changes nothing."""
    from hpstudy.cli import render

    file = load_study(study_file, trials=trials, replicates=replicates, epochs=epochs, quick=quick)
    queue = open_store(settings).register(file.study)
    progress = queue.progress()
    if as_json:
        click.echo(json.dumps(render.status_json(queue.study, progress, queue.best())))
        return
    needs = str(study_file) if file.build else ""
    click.echo(
        f"Study {queue.study.name} is recorded: {progress.ended} of {progress.budget} trials are done. "
        f"`hpstudy worker{' ' + needs if needs else ''}` on any machine takes them; "
        f"`hpstudy status {queue.study.name} --watch` shows how far it is."
    )
