"""What a program calls: run, open, list, submit and delete studies. The command line is written on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias, Unpack

from hpstudy.api.declared import Declared, declared
from hpstudy.api.host import unchanged
from hpstudy.api.recorded import Studies
from hpstudy.api.result import Result
from hpstudy.api.where import Options, Where, settings_of
from hpstudy.errors import NotFoundError, UserError
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    from hpstudy.api.running import RunOptions
    from hpstudy.api.view import View
    from hpstudy.report.document import Table

StudyOrFile: TypeAlias = Study | str | PathLike[str]


@unchanged()
def run(
    study: StudyOrFile,
    *,
    processes: int | None = None,
    fresh: bool = False,
    timeout: float | None = None,
    hours: float | None = None,
    show: bool | View = True,
    **options: Unpack[Options],
) -> Result:
    """Train a study to its end on this machine. Trials that are already recorded are not trained again.

    At the end the chosen configuration is scored on the test split, and the tracker gets report and model.

    Args:
        study: A declaration, or the path of a study file. A study that builds its own network needs its file.
        processes: The number of trainer processes; None: one per core.
        fresh: Delete the study's recorded trials and start again.
        timeout: Seconds; a trial that takes longer ends as failed.
        hours: After so many nothing new is tried: trials in training go on to their end, what was found is confirmed,
            and the study is finished. `Result.resume` opens it again.
        show: Show what happens, in the form that suits a terminal, a notebook or a log; or a view of your own.
        options: `trials`, `replicates`, `epochs` and `quick` change the declaration; `home`, `storage`, `tracking_uri`
            and `data_dir` say where things are kept.

    Raises:
        KeyboardInterrupt: it was interrupted, and its trials were given back; the same call resumes the study.
        UserError: the declaration or an argument is wrong, or the recorded study has another declaration.
        NotFoundError: the dataset cannot be found.
        HpstudyError: the study cannot be run for another reason, which the message gives.
    """
    one = _only(declared(study, options), study, "run")
    return _run(Studies(settings_of(options)), one, _how(processes, timeout, hours, fresh=fresh), _view(show))


@unchanged()
def run_all(
    study: StudyOrFile,
    *,
    processes: int | None = None,
    fresh: bool = False,
    timeout: float | None = None,
    hours: float | None = None,
    show: bool | View = True,
    **options: Unpack[Options],
) -> list[Result]:
    """Run every study of a file, one after another. A study whose dataset cannot be found is reported and skipped.

    It ends early if `hpstudy stop` has stopped a study. Arguments and errors are those of `run`.

    Returns:
        A result for each study that was begun or skipped, in the order of the file.
    """
    found, how, view = declared(study, options), _how(processes, timeout, hours, fresh=fresh), _view(show)
    studies, results = Studies(settings_of(options)), []
    for one in found:
        try:
            result = _run(studies, one, how, view)
        except NotFoundError as error:
            if len(found) == 1:
                raise
            view.fail(f"Study {one.study.name} was not run: {error}")
            results.append(Result(studies, one.study.name, file=one.file))
            continue
        results.append(result)
        if is_stopped(result):
            break
    return results


@unchanged()
def submit(study: StudyOrFile, **options: Unpack[Options]) -> Result:
    """Record a study, so that workers anywhere take its trials. A second call changes nothing.

    Args:
        study: As for `run`.
        options: As for `run`.

    Raises:
        UserError: the declaration or an option is wrong, or the recorded study has another declaration.
        StorageError: the study database cannot be reached.
    """
    return _submit(Studies(settings_of(options)), _only(declared(study, options), study, "submit"))


@unchanged()
def submit_all(study: StudyOrFile, **options: Unpack[Options]) -> list[Result]:
    """Record every study of a file. Arguments and errors are those of `submit`."""
    studies = Studies(settings_of(options))
    return [_submit(studies, one) for one in declared(study, options)]


@unchanged()
def open(name: str, **where: Unpack[Where]) -> Result:  # noqa: A001 - `hpstudy.open`; not in `__all__`
    """A recorded study, which may still be in training.

    Args:
        where: `home`, `storage`, `tracking_uri` and `data_dir` say where things are kept.

    Raises:
        NotFoundError: there is no such study.
        StorageError: the study database cannot be reached.
    """
    result = Result(Studies(settings_of(where)), name)
    assert result.study.name == name, "looked up here, so that a wrong name is reported at once"
    return result


@unchanged()
def studies(**where: Unpack[Where]) -> list[Result]:
    """Every recorded study, sorted by name. Arguments as for `open`. Raises StorageError."""
    found = Studies(settings_of(where))
    return [Result(found, name) for name in found.store.names()]


def delete(name: str, **where: Unpack[Where]) -> None:
    """Remove a study: its trials, its run directories, its copy in the tracker. Arguments as for `open`.

    Raises:
        NotFoundError: there is no such study.
        UserError: some of its trials are in training.
    """
    with open(name, **where) as result:
        result.delete()


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Studies side by side."""

    table: Table | None  # None if no study has a complete trial
    without: tuple[str, ...]  # the studies without a complete trial


@unchanged()
def compare(names: Sequence[str], **where: Unpack[Where]) -> Comparison:
    """Compare two or more studies on the same dataset, each with its best configuration.

    Raises:
        UserError: there are fewer than two, or they cannot be compared.
        NotFoundError: there is no such study.
    """
    from hpstudy.analysis.comparison import check_comparable, entrant
    from hpstudy.report.comparison import comparison_table

    if len(set(names)) < 2:
        raise UserError("Give at least two studies to compare, such as `hpstudy compare optimizers dropout`.")
    recorded = Studies(settings_of(where))
    results = [Result(recorded, name) for name in dict.fromkeys(names)]
    check_comparable([result.study for result in results])
    found = {result.name: entrant(result.study, result.records()) for result in results}
    known = [one for one in found.values() if one]
    recorded.close()
    return Comparison(
        table=comparison_table(known) if known else None,
        without=tuple(name for name, one in found.items() if one is None),
    )


def is_stopped(result: Result) -> bool:
    """Whether the user has stopped the study with trials left."""
    progress = result.progress()
    return progress.stopped and progress.waiting > 0


def _run(studies: Studies, one: Declared, how: RunOptions, view: View) -> Result:
    from hpstudy.api.running import Run

    Run(studies, one, how, view).to_end()
    return Result(studies, one.study.name, file=one.file)


def _submit(studies: Studies, one: Declared) -> Result:
    studies.store.register(one.study)
    return Result(studies, one.study.name, file=one.file)


def _only(found: Sequence[Declared], given: StudyOrFile, function: str) -> Declared:
    if len(found) > 1:
        names = ", ".join(one.study.name for one in found)
        raise UserError(
            f"{given} defines {len(found)} studies ({names}), but `hpstudy.{function}` takes only one. "
            f"`hpstudy.{function}_all` takes them one after another."
        )
    return found[0]


def _how(processes: int | None, timeout: float | None, hours: float | None, *, fresh: bool) -> RunOptions:
    from hpstudy.api.running import RunOptions

    if processes is not None and (isinstance(processes, bool) or not isinstance(processes, int) or processes < 1):
        raise UserError(f"processes must be a whole number of at least 1; it is {processes!r}.")
    for name, value, unit in (("timeout", timeout, "seconds"), ("hours", hours, "hours")):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not value > 0):
            raise UserError(f"{name} must be a number of {unit} above 0; it is {value!r}.")
    return RunOptions(processes=processes, timeout_s=timeout, hours=hours, fresh=fresh)


def _view(show: bool | View) -> View:
    from hpstudy.api.view import SilentView, default_view

    if isinstance(show, bool):
        return default_view() if show else SilentView()
    return show
