"""`hpstudy run`: register a study, train it to its end on this machine, show and mirror it meanwhile."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hpstudy import overrides
from hpstudy.cli.options import open_store, settings_options
from hpstudy.cli.terminal import echo
from hpstudy.errors import HpstudyError, NotFoundError, UserError
from hpstudy.settings import Settings
from hpstudy.studyfile import StudyFile, load_all
from hpstudy.worker.devices import default_processes, slots
from hpstudy.worker.supervisor import Supervisor, TrainerHandle, WorkOrder

if TYPE_CHECKING:
    from rich.console import Console

    from hpstudy.storage import Progress, StudyQueue
    from hpstudy.worker.mirroring import Mirrors

_Function = TypeVar("_Function", bound=Callable[..., Any])
INTERRUPTED = 130  # the exit code of a run that was stopped
LOOK_S = 0.5  # between two looks at how far the study is
MLFLOW_PATIENCE_S = 5.0  # how long the end of a run tries again when MLflow is away


def study_overrides(function: _Function) -> _Function:
    """Add --trials, --replicates, --epochs and --quick, which `load_studies` takes."""
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
    """Run a study to its end. Stopped by Ctrl-C, the same command goes on where it was.

    A file of several studies runs them one after another, without those whose dataset is nowhere to be had.
    """
    from hpstudy.cli import render

    console, code = render.console(), 0
    files = load_studies(study_file, **flags)  # type: ignore[arg-type]
    for file in files:
        try:
            done = _Run(settings, file, console, fresh=fresh, timeout_s=timeout).to_end(processes)
        except NotFoundError as error:
            if len(files) == 1:
                raise
            echo(f"Study {file.study.name} was not run: {error}", fg="red", err=True)
            done = NotFoundError.exit_code
        if done == INTERRUPTED:
            ctx.exit(done)
        code = code or done
    if code and len(files) > 1:
        echo("Not every study of the file has a result; see above. The same command tries again.", err=True)
    ctx.exit(code)


def load_studies(
    path: Path, *, trials: int | None, replicates: int | None, epochs: int | None, quick: bool
) -> list[StudyFile]:
    """The studies of a file with what flags change of them. Raises UserError if one of them is wrong."""
    files = []
    for file in load_all(path):
        study = overrides.quick(file.study) if quick else file.study
        study = overrides.override(study, trials=trials, replicates=replicates, epochs=epochs)
        files.append(dataclasses.replace(file, study=study))
    return files


class _Run:
    """One `hpstudy run`, from the study file to the result table."""

    def __init__(
        self, settings: Settings, file: StudyFile, console: Console, *, fresh: bool, timeout_s: float | None
    ) -> None:
        self._settings, self._file, self._console = settings, file, console
        self._study = file.study
        self._fresh, self._timeout_s = fresh, timeout_s
        self._problem: str | None = "no process came to it."  # why the test split is not scored; None: it is

    def to_end(self, processes: int | None) -> int:
        """Returns the exit code of the command."""
        check_home(self._settings)
        if self._is_known():  # then it may be finished, and nothing is to be trained
            queue = self._register()
            if queue.progress().waiting + queue.progress().running == 0:
                if queue.evaluation() or not queue.progress().complete:
                    return self._say_finished(queue)
                processes = 1
            supervisor = self._supervisor(processes)
            with _ended_on_error(supervisor):
                supervisor.start()
                return self._to_end(supervisor, queue)
        supervisor = self._supervisor(processes)
        with _ended_on_error(supervisor):
            supervisor.start()  # TensorFlow loads while the study is registered
            return self._to_end(supervisor, self._register())

    def _supervisor(self, processes: int | None) -> Supervisor:
        order = WorkOrder(
            slots=slots(processes or default_processes(self._study.budget)),
            study=self._study.name,
            file=self._file.path.absolute() if self._file.build else None,
            timeout_s=self._timeout_s,
            idle_exit_s=0.0,
            evaluates=True,
        )
        return Supervisor(self._settings, order)

    def _to_end(self, supervisor: Supervisor, queue: StudyQueue) -> int:
        self._fetch()
        mirrors = self._work(supervisor, queue)
        return self._conclude(queue, mirrors, interrupted=supervisor.interrupted)

    def _is_known(self) -> bool:
        """Whether the database may have this study already; cheap for the embedded one that is not there yet."""
        database = self._settings.home / "hpstudy.db"
        return not self._settings.storage.endswith(str(database)) or database.exists()

    def _register(self) -> StudyQueue:
        from hpstudy.cli.studies import delete_study

        store, identity = open_store(self._settings), None
        if self._fresh:
            try:
                recorded = store.open(self._study.name)
            except NotFoundError:
                pass
            else:
                if recorded.progress().running:
                    raise UserError(f"Study {self._study.name!r} is running elsewhere. Stop it before --fresh.")
                identity = recorded.identity()  # what MLflow may still hold of the old trials is this study's, too
                delete_study(self._settings, recorded)
        queue = store.register(self._study, identity)
        queue.reconcile()
        return queue

    def _fetch(self) -> None:
        from hpstudy.cli.data import fetch_with_progress

        fetch_with_progress(self._study.dataset, self._settings)

    def _work(self, supervisor: Supervisor, queue: StudyQueue) -> Mirrors | None:
        """Train what is left. Returns the mirrors if MLflow has it all."""
        from hpstudy.cli import ending
        from hpstudy.cli.live import make_view
        from hpstudy.worker.messages import Message
        from hpstudy.worker.mirroring import Mirrors

        looked_s, progress, best = time.monotonic(), queue.progress(), queue.best()
        self._say_begin(progress, len(supervisor.handles))
        mirrors = Mirrors(self._settings, {self._study.name: self._file.source})
        mirrors.poke(queue)
        is_loading = False

        def hear(handle: TrainerHandle, message: Message) -> None:
            view.hear(handle, message)
            if message.kind in ("claimed", "ended"):
                mirrors.poke(queue)
            elif message.kind == "evaluating":
                self._problem = "the process that did it died."
            elif message.kind == "evaluated":
                self._problem = message.text or None
                supervisor.finish()

        def tick() -> None:
            nonlocal is_loading, looked_s, progress, best
            if time.monotonic() - looked_s > LOOK_S:
                looked_s, progress, best = time.monotonic(), queue.progress(), queue.best()
            unmirrored = mirrors.problem and f"MLflow gets nothing for now, training goes on: {mirrors.problem}"
            problem = supervisor.problem or unmirrored
            view.tick(progress, supervisor.handles, best[0] if best else None, problem)
            if not is_loading and not progress.waiting:
                is_loading = True
                ending.load_ahead(self._settings)

        try:
            with make_view(self._study, self._console) as view:
                supervisor.work(lambda: [queue], hear=hear, tick=tick)
        finally:
            unmirrored = mirrors.finish(MLFLOW_PATIENCE_S)
            say_unmirrored(unmirrored)
            say_shared(mirrors)
        return None if unmirrored else mirrors

    def _say_begin(self, progress: Progress, processes: int) -> None:
        going_on = f", {progress.ended} are done" if progress.ended else ""
        self._console.print(
            f"Study {self._study.name}: {progress.budget} trials{going_on}; {processes} "
            f"process{'es' if processes > 1 else ''}. Ctrl-C stops; the same command goes on."
        )

    def _conclude(self, queue: StudyQueue, mirrors: Mirrors | None, *, interrupted: bool) -> int:
        from hpstudy.cli import render
        from hpstudy.cli.ending import keep_evaluation, package_or_tell
        from hpstudy.cli.report import print_short
        from hpstudy.report.build import build_report

        progress = queue.progress()
        if progress.complete:
            self._console.print(render.result_table(self._study, queue.records()))
        if is_stopped := self._stopped(progress, interrupted=interrupted):
            self._console.print(is_stopped)
            return INTERRUPTED
        if progress.complete and not queue.evaluation():
            keep_evaluation(self._settings, queue, self._problem)
        self._console.print(f"Finished: {progress.ended} of {progress.budget} trials ({_counts(progress)}).")
        report = build_report(queue.study, queue.records(), evaluation=queue.evaluation(), figures=bool(mirrors))
        print_short(self._console, report)
        if not progress.complete:
            echo(
                f"No trial is complete. `hpstudy show {self._study.name} 0` says why the first one failed.",
                fg="red",
                err=True,
            )
            return 1
        is_mirrored = False
        if mirrors:
            is_mirrored, _ = package_or_tell(self._settings, queue, mirrors.mirror(self._study.name), report)
        self._console.print(self._where_to_look(is_mirrored))
        return 0

    def _stopped(self, progress: Progress, *, interrupted: bool) -> str | None:
        """What is said of a run that did not come to its end."""
        far = f"{progress.ended} of {progress.budget} trials ({_counts(progress)})"
        if interrupted:
            rest = "the rest" if progress.waiting else "the test split"
            return f"Stopped after {far}. The same command goes on with {rest}."
        if progress.waiting and progress.stopped:
            return (
                f"`hpstudy stop` stopped the study after {far}. `hpstudy resume {self._study.name}` and the same "
                "command go on with the rest."
            )
        return None

    def _say_finished(self, queue: StudyQueue) -> int:
        progress = queue.progress()
        self._console.print(
            f"Study {self._study.name} is finished: {progress.ended} of {progress.budget} trials. Nothing was changed. "
            f"`hpstudy best {self._study.name}` shows the best one; --fresh starts again."
        )
        return 0 if progress.complete else 1

    def _where_to_look(self, is_mirrored: bool) -> str:
        from hpstudy.mirror.secrets import without_credentials

        if not is_mirrored:
            return f"Not all of it is in MLflow yet: `hpstudy sync {self._study.name}` sends the rest."
        if self._settings.uses_embedded_store:
            home = "" if self._settings.home == Path(".hpstudy").absolute() else f" --home {self._settings.home}"
            return f"Browse it in MLflow: hpstudy ui{home}"
        where = without_credentials(self._settings.tracking_uri)
        return f"Browse it in MLflow: experiment {self._study.name} at {where}"


def _counts(progress: Progress) -> str:
    counts = f"{progress.complete} complete, {progress.pruned} pruned, {progress.failed} failed"
    return f"{counts}; {progress.lost} lost and tried again" if progress.lost else counts


def say_unmirrored(problems: Mapping[str, str | None]) -> None:
    """Tell which studies MLflow does not hold in full yet, and what to do."""
    for name, problem in problems.items():
        echo(
            f"Not everything is in MLflow yet. {problem or ''} Later, `hpstudy sync {name}` copies the rest.",
            fg="yellow",
            err=True,
        )


def say_shared(mirrors: Mirrors) -> None:
    """Tell which experiments in MLflow are not a study's alone."""
    for sentence in mirrors.sharings:
        click.echo(sentence)


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
