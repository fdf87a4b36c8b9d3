"""`hpstudy submit`: record a study without training it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpstudy.cli.options import json_option, open_store, settings_options
from hpstudy.cli.run import load_studies, study_overrides
from hpstudy.settings import Settings

if TYPE_CHECKING:
    from hpstudy.storage import StudyQueue


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
    """Record a study, so that workers anywhere take its trials. Done twice, it changes nothing.

    Of a file with several studies each is recorded.
    """
    store = open_store(settings)
    for file in load_studies(study_file, trials=trials, replicates=replicates, epochs=epochs, quick=quick):
        _say(store.register(file.study), study_file if file.build else None, as_json)


def _say(queue: StudyQueue, needs: Path | None, as_json: bool) -> None:
    from hpstudy.cli import render

    progress = queue.progress()
    if as_json:
        click.echo(json.dumps(render.status_json(queue.study, progress, queue.best())))
        return
    click.echo(
        f"Study {queue.study.name} is recorded: {progress.ended} of {progress.budget} trials are done. "
        f"`hpstudy worker{f' {needs}' if needs else ''}` on any machine takes them; "
        f"`hpstudy status {queue.study.name} --watch` shows how far it is."
    )
