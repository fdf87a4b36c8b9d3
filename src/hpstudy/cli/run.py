"""`hpstudy run`: register a study, train it to its end on this machine, show and mirror it meanwhile."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hpstudy import overrides
from hpstudy.cli.options import open_store, settings_options
from hpstudy.errors import HpstudyError, NotFoundError, UserError
from hpstudy.settings import Settings
from hpstudy.studyfile import StudyFile, load
from hpstudy.worker.devices import default_processes, slots
from hpstudy.worker.supervisor import Supervisor, TrainerHandle, WorkOrder

if TYPE_CHECKING:
    from rich.console import Console

    from hpstudy.storage import Progress, StudyQueue
    from hpstudy.worker.mirroring import Mirrors

_Function = TypeVar("_Function", bound=Callable[..., Any])
LOOK_S = 0.5  # between two looks at how far the study is
MLFLOW_PATIENCE_S = 5.0  # how long the end of a run tries again when MLflow is away


def study_overrides(function: _Function) -> _Function:
    """Add --trials, --replicates, --epochs and --quick, which `load_study` takes."""
    decorators = (
        click.option("--trials", type=click.IntRange(1), help="Another budget for a Search."),
        click.option("--replicates", type=click.IntRange(1), help="Other replicates for a Grid."),
        click.option("--epochs", type=click.IntRange(1), help="Other epochs for every trial."),
        click.option(
            "--quick", is_flag=True, help="A first taste: few epochs, rows and trials, recorded as NAME-quick."
        ),
    )
    wrapped: Any = function
    for decorator in reversed(decorators):
        wrapped = decorator(wrapped)
    return wrapped  # type: ignore[no-any-return]


@click.command("run", epilog="Example: hpstudy run studies/optimizers.py --replicates 1")
@click.argument("study_file", metavar="STUDY.py", type=click.Path(path_type=Path))
@click.option("--processes", type=click.IntRange(1), help="Trainer processes [default: one per core].")
@study_overrides
@click.option("--fresh", is_flag=True, help="Delete the study's recorded trials and start again.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="A trial that takes longer ends as failed; looked at after each epoch.",
)
@settings_options
@click.pass_context
def run_command(
    ctx: click.Context,
    /,
    settings: Settings,
    study_file: Path,
    processes: int | None,
    timeout: float | None,
    fresh: bool,
    **flags: object,
) -> None:
    """Run a study to its end. Stopped by Ctrl-C, the same command goes on where it was."""
    from hpstudy.cli import render

    file = load_study(study_file, **flags)  # type: ignore[arg-type]
    run = _Run(settings, file, render.console(), fresh=fresh, timeout_s=timeout)
    ctx.exit(run.to_end(processes))


def load_study(path: Path, *, trials: int | None, replicates: int | None, epochs: int | None, quick: bool) -> StudyFile:
    """A study file with what flags change of it. Raises UserError if one of them is wrong."""
    file = load(path)
    study = overrides.quick(file.study) if quick else file.study
    study = overrides.override(study, trials=trials, replicates=replicates, epochs=epochs)
    return dataclasses.replace(file, study=study)


class _Run:
    """One `hpstudy run`, from the study file to the result table."""

    def __init__(
        self, settings: Settings, file: StudyFile, console: Console, *, fresh: bool, timeout_s: float | None
    ) -> None:
        self._settings, self._file, self._console = settings, file, console
        self._study = file.study
        self._fresh, self._timeout_s = fresh, timeout_s

    def to_end(self, processes: int | None) -> int:
        """Returns the exit code of the command."""
        check_home(self._settings)
        order = WorkOrder(
            slots=slots(processes or default_processes(self._study.budget)),
            study=self._study.name,
            file=self._file.path.absolute() if self._file.build else None,
            timeout_s=self._timeout_s,
            idle_exit_s=0.0,
        )
        supervisor = Supervisor(self._settings, order)
        with _ended_on_error(supervisor):
            if self._is_known():  # then it may be finished, and nothing is to be started
                queue = self._register()
                if queue.progress().waiting + queue.progress().running == 0:
                    return self._say_finished(queue)
                supervisor.start()
            else:
                supervisor.start()  # TensorFlow loads while the study is registered
                queue = self._register()
            self._fetch()
            progress = self._work(supervisor, queue)
        return self._conclude(queue, progress, interrupted=supervisor.interrupted)

    def _is_known(self) -> bool:
        """Whether the database may have this study already; cheap for the embedded one that is not there yet."""
        database = self._settings.home / "hpstudy.db"
        return not self._settings.storage.endswith(str(database)) or database.exists()

    def _register(self) -> StudyQueue:
        from hpstudy.cli.studies import delete_study

        store = open_store(self._settings)
        if self._fresh:
            try:
                recorded = store.open(self._study.name)
            except NotFoundError:
                pass
            else:
                if recorded.progress().running:
                    raise UserError(f"Study {self._study.name!r} is running elsewhere. Stop it before --fresh.")
                delete_study(self._settings, recorded)
        queue = store.register(self._study)
        queue.reconcile()
        return queue

    def _fetch(self) -> None:
        from hpstudy.cli.data import fetch_with_progress

        fetch_with_progress(self._study.dataset, self._settings)

    def _work(self, supervisor: Supervisor, queue: StudyQueue) -> Progress:
        from hpstudy.cli.live import make_view
        from hpstudy.worker.messages import Message

        looked_s, best = time.monotonic(), queue.best()
        done = progress = queue.progress()
        going_on = f", {done.ended} are done" if done.ended else ""
        processes = len(supervisor.handles)
        self._console.print(
            f"Study {self._study.name}: {done.budget} trials{going_on}; {processes} "
            f"process{'es' if processes > 1 else ''}. Ctrl-C stops; the same command goes on."
        )
        with self._mirroring(queue) as mirrors, make_view(self._study, self._console) as view:

            def hear(handle: TrainerHandle, message: Message) -> None:
                view.hear(handle, message)
                if message.kind in ("claimed", "ended"):
                    mirrors.poke(queue)

            def look() -> None:
                nonlocal looked_s, progress, best
                looked_s, progress, best = time.monotonic(), queue.progress(), queue.best()

            def tick() -> None:
                if time.monotonic() - looked_s > LOOK_S:
                    look()
                problem = supervisor.problem or mirrors.problem
                view.tick(progress, supervisor.handles, best[0] if best else None, problem)

            supervisor.work(lambda: [queue], hear=hear, tick=tick)
        return queue.progress()

    @contextmanager
    def _mirroring(self, queue: StudyQueue) -> Iterator[Mirrors]:
        """Copy to MLflow while the block runs, and once more behind it."""
        from hpstudy.worker.mirroring import Mirrors

        mirrors = Mirrors(self._settings, {self._study.name: self._file.source})
        mirrors.poke(queue)
        try:
            yield mirrors
        finally:
            say_unmirrored(mirrors.finish(MLFLOW_PATIENCE_S))

    def _conclude(self, queue: StudyQueue, progress: Progress, *, interrupted: bool) -> int:
        from hpstudy.cli import render
        from hpstudy.cli.report import print_short

        if progress.complete:
            self._console.print(render.result_table(self._study, queue.records()))
        counts = f"{progress.complete} complete, {progress.pruned} pruned, {progress.failed} failed"
        if progress.lost:
            counts += f"; {progress.lost} lost and tried again"
        if interrupted:
            self._console.print(
                f"Stopped after {progress.ended} of {progress.budget} trials ({counts}). "
                "The same command goes on with the rest."
            )
            return 130
        if progress.waiting and progress.stopped:
            self._console.print(
                f"`hpstudy stop` stopped the study after {progress.ended} of {progress.budget} trials ({counts}). "
                f"`hpstudy resume {self._study.name}` and the same command go on with the rest."
            )
            return 130
        self._console.print(f"Finished: {progress.ended} of {progress.budget} trials ({counts}).")
        print_short(self._console, self._study, queue.records())
        if not progress.complete:
            click.secho(
                f"No trial is complete. `hpstudy show {self._study.name} 0` says why the first one failed.",
                fg="red",
                err=True,
            )
            return 1
        self._log_to_mlflow()
        self._console.print(self._where_to_look())
        return 0

    def _log_to_mlflow(self) -> None:
        """The report and the best model, in a process of its own: it needs Keras and MLflow together."""
        arguments = [sys.executable, "-m", "hpstudy.packaging", self._study.name]
        if self._file.build:
            arguments.append(str(self._file.path.absolute()))

        environment = {**os.environ, **self._settings.to_environment(), "TF_CPP_MIN_LOG_LEVEL": "2"}
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            click.secho(f"Report and best model could not be logged to MLflow: {reason}", fg="yellow", err=True)

    def _say_finished(self, queue: StudyQueue) -> int:
        progress = queue.progress()
        self._console.print(
            f"Study {self._study.name} is finished: {progress.ended} of {progress.budget} trials. Nothing was changed. "
            f"`hpstudy best {self._study.name}` shows the best one; --fresh starts again."
        )
        return 0 if progress.complete else 1

    def _where_to_look(self) -> str:
        if self._settings.uses_embedded_store:
            home = "" if self._settings.home == Path(".hpstudy").absolute() else f" --home {self._settings.home}"
            return f"Browse it in MLflow: hpstudy ui{home}"
        return f"Browse it in MLflow: experiment {self._study.name} on your tracking server."


def say_unmirrored(problems: Mapping[str, str | None]) -> None:
    """Tell which studies MLflow does not hold in full yet, and what to do."""
    for name, problem in problems.items():
        click.secho(
            f"Not everything is in MLflow yet. {problem or ''} Later, `hpstudy sync {name}` copies the rest.",
            fg="yellow",
            err=True,
        )


def check_home(settings: Settings) -> None:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        probe = settings.home / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise HpstudyError(
            f"The home folder {settings.home} cannot be written: {error.strerror}. "
            "Choose another with --home DIR or HPSTUDY_HOME."
        ) from None


@contextmanager
def _ended_on_error(supervisor: Supervisor) -> Iterator[None]:
    """No process stays behind, whatever happens."""
    try:
        yield
    finally:
        supervisor.stop()
