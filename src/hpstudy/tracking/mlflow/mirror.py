"""Make MLflow equal to the trials: look at what is there, compare, send the difference."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hpstudy.errors import HpstudyError, MirrorError
from hpstudy.records import Evaluation, StudyState, TrialRecord, TrialState
from hpstudy.settings import Settings
from hpstudy.study.spec import Study
from hpstudy.tracking.mlflow.bulk import takes
from hpstudy.tracking.mlflow.client import Client, is_refusal
from hpstudy.tracking.mlflow.connection import connect, sentence, set_patience, translated
from hpstudy.tracking.mlflow.contents import (
    MODEL_TAG,
    NOTE_TAG,
    TEST_TAG,
    RunContent,
    cut_tag,
    description,
    study_content,
    trial_content,
)
from hpstudy.tracking.mlflow.differences import Seen, after, difference, is_another
from hpstudy.tracking.mlflow.notes import digest, is_ours, note_tags, successor
from hpstudy.tracking.mlflow.ownership import OTHERS_RUNS, Experiment, is_signed, signature, trial_number
from hpstudy.tracking.mlflow.page import VIEW_CHARACTERS, VIEW_TAG, shared_view
from hpstudy.tracking.mlflow.view import View
from hpstudy.tracking.secrets import Secrets
from hpstudy.tracking.tracker import SyncSummary

if TYPE_CHECKING:
    from hpstudy.report.whole import Report

_AT_A_TIME = 100  # runs that are created in one transaction
_REPORT_DIGEST_TAG = "hpstudy.report"  # of the report that was last sent
_HAPPENED = "did not take the trials"
_REMEDY = "Nothing is lost: they are in the study database, and `hpstudy sync` sends them when MLflow is back."


class Mirror:
    """Mirrors one study: one experiment, one parent run, one child run per trial.

    It changes and deletes only the runs that it created: an experiment of the study's name may have existed before,
    and other databases may have studies of this name.

    It reads MLflow once and remembers what it has seen. After any error it reads again before it sends anything,
    because a failed request may have been committed. Several mirrors of one study, on several machines, arrive at
    the same runs: they all keep the same one of several duplicates. Thread-safe; calls take as long as MLflow does.

    Args:
        identity: Returns what distinguishes the study from others of its name (`StudyQueue.identity`); called when it
            is needed. Without it, the runs of this name that carry no identity are the study's.
        source: The text of the study file, to be logged beside the declaration.
    """

    def __init__(
        self,
        settings: Settings,
        study: Study,
        *,
        identity: Callable[[], str | None] = lambda: None,
        source: str | None = None,
    ) -> None:
        self._settings, self._study, self._ask_identity = settings, study, identity
        self.sharing: str | None = None  # who else uses the experiment, in a sentence; None: nobody, or not known yet
        self._has_looked = False
        self._secrets = Secrets.of(settings)
        self._artifacts = {"study.json": _pretty(study.to_json())}
        if source is not None:
            self._artifacts["study.py"] = source
        self._client_: Client | None = None
        self._view: View | None = None
        self._lock = threading.RLock()

    def sync(self, trials: Sequence[TrialRecord], *, state: StudyState, complete: bool = False) -> SyncSummary:
        """Make MLflow equal to these trials. Repeating it changes nothing.

        Args:
            state: Of the study: running, finished or stopped.
            complete: These are all trials of the study: read MLflow again first, and delete all other trials' runs.

        Raises:
            MirrorError: MLflow cannot be reached or refused something. Everything else has been sent.
        """
        with self._session():
            if complete:
                self._view = None
            view = self._read()
            content = self._study_content(trials, state)
            self._adopt(view, trials, content)
            self._look_for_others(view)
            self._ensure_study(view, content)
            self._share_view(view)
            outcomes, refusals = self._sync_trials(view, trials)
            if complete:
                self._delete_unknown(view, {record.number for record in trials})
            self._finish_study(view, content)
            if refusals:
                raise MirrorError(f"MLflow refused {len(refusals)} trials. {refusals[0]}.")
            deleted, view.deleted = view.deleted, 0
            return SyncSummary(
                created=outcomes["created"],
                updated=outcomes["updated"],
                unchanged=outcomes["unchanged"],
                deleted=deleted,
            )

    def attach_report(
        self, files: Mapping[str, str], findings: str, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Attach a report to the study's run: its files, and its findings above the declaration in the description.

        A description that people have changed is left alone. Repeating it changes nothing.

        Args:
            files: Path → text.
            findings: Markdown.
            metrics: Figures of the report by which studies are sorted.

        Raises:
            MirrorError: MLflow cannot be reached or refused something.
        """
        self.parent_run_id()  # creates the run if there is none
        with self._session():
            view = self._read()
            self._log_report(view, {name: self._secrets.hide(text) for name, text in files.items()})
            self._log_metrics(view, metrics or {})
            seen, own = _study_of(view), self._secrets.hide(description(self._study))
            note = cut_tag(f"{self._secrets.hide(findings)}\n\n{own}")
            if seen.tags.get(NOTE_TAG) != note and is_ours(seen, cut_tag(own)):
                self._tag(view, note_tags(note))

    def keep_report(self, report: Report, *, patience_s: float | None = None) -> None:
        """See `StudyMirror`. Logs files, figures, findings, and the metrics by which studies are sorted."""
        from hpstudy.report.render.markdown import findings_markdown
        from hpstudy.tracking.mlflow.packaging import interval_texts, key_figures, report_files, test_score_text

        if patience_s is not None:
            set_patience(patience_s)
        self.attach_report(report_files(report), findings_markdown(report), dict(key_figures(report.data)))
        for name, interval in interval_texts(report.data):
            self.tag_study(f"hpstudy.interval.{name}", interval)
        if text := test_score_text(report.data):
            self.tag_study(TEST_TAG, cut_tag(self._secrets.hide(text)))

    def keep_model(self, evaluation: Evaluation) -> str | None:
        """See `StudyMirror`. The model belongs to the study's run."""
        from hpstudy.tracking.mlflow.packaging import log_model

        uri = log_model(self._settings, self.parent_run_id(), self._study, evaluation)
        if uri is not None:
            self.tag_study(MODEL_TAG, uri)
        return uri

    def model(self, evaluation: Evaluation) -> str | None:
        """See `StudyMirror`."""
        from hpstudy.tracking.mlflow.packaging import find_model

        return find_model(self._settings, self.parent_run_id(), evaluation)

    def tag_study(self, name: str, text: str) -> None:
        """Tag the study's run. Raises MirrorError if MLflow cannot be reached."""
        self.parent_run_id()
        with self._session():
            view = self._read()
            if _study_of(view).tags.get(name) != text:
                self._tag(view, {name: text})

    def refresh(self) -> None:
        """Forget what MLflow held: the next call reads MLflow again."""
        with self._lock:
            self._view = None

    @property
    def experiment_id(self) -> str:
        """Raises MirrorError if MLflow cannot be reached."""
        with self._session():
            return self._read().experiment.experiment_id

    def parent_run_id(self) -> str:
        """The study's run, which is created if there is none. Raises MirrorError if MLflow cannot be reached."""
        with self._session():
            view = self._read()
            if view.study is None:
                content = self._study_content((), StudyState.RUNNING)
                self._adopt(view, (), content)
                self._ensure_study(view, content)
            return _study_of(view).run_id

    def run_id(self, number: int) -> str | None:
        """The run of a trial; None if it has not been mirrored yet. Raises MirrorError if MLflow cannot be reached."""
        with self._session():
            seen = self._read().trials.get(number)
            return seen.run_id if seen else None

    def is_finished(self) -> bool:
        """Whether MLflow has this study as finished. That status is written after all trials.

        Raises:
            MirrorError: MLflow cannot be reached.
        """
        with self._session():
            runs = [seen for seen in self._client().study_runs() if is_signed(seen, self._identity)]
            content = self._study_content((), StudyState.FINISHED)
            return bool(runs) and runs[0].status == content.status and not is_another(content, runs[0])

    def forget(self, trials: Sequence[TrialRecord] = ()) -> str | None:
        """Delete the study's experiment and free its name; if others use the experiment, delete only the study's runs.

        What is deleted can still be restored in MLflow.

        Args:
            trials: The study's trials, which identify the runs that an earlier version created.

        Returns:
            A sentence that says what stays; None: nothing stays.

        Raises:
            MirrorError: MLflow cannot be reached.
        """
        with self._session():
            self._view, client = None, self._client()
            experiment = client.find_experiment()
            if experiment is None:
                return None
            view = self._view_of(experiment)
            self._adopt(view, trials, self._study_content(trials, StudyState.FINISHED))
            shared = self._shared(view, also_deleted=True)
            if shared is None and client.has_others_models_or_traces(experiment.experiment_id):
                shared = "it also holds models or traces that are not this study's"
            if shared is None:
                client.bury(experiment)
                return None
            client.delete_models(experiment.experiment_id, {seen.run_id for seen in view.own})
            for seen in view.own:
                self._delete(view, seen)
            return f"Experiment {self._study.name!r} in MLflow stays, because {shared}; this study's runs are deleted."

    def explain(self, error: Exception) -> str:
        """One sentence that describes an error, without passwords."""
        if isinstance(error, HpstudyError):
            return self._secrets.hide(str(error))
        return f"{type(error).__name__}: {sentence(error, self._secrets)}."

    @contextlib.contextmanager
    def _session(self) -> Iterator[None]:
        with self._lock, translated(self._settings, _HAPPENED, _REMEDY):
            try:
                yield
            except BaseException:
                self._view = None
                raise

    @functools.cached_property
    def _identity(self) -> str | None:
        return self._ask_identity()

    def _client(self) -> Client:
        if self._client_ is None:
            self._client_ = Client(connect(self._settings), self._study.name, self._identity)
        return self._client_

    def _read(self) -> View:
        """Read MLflow and delete duplicates: of several runs for the same thing, the oldest stays."""
        if self._view is not None:
            return self._view
        note = self._secrets.hide(description(self._study))
        self._view = self._view_of(self._client().experiment(self._settings.artifact_root, note))
        return self._view

    def _view_of(self, experiment: Experiment) -> View:
        view = View(experiment=experiment)
        for seen in view.sort(self._client().runs(experiment.experiment_id), self._identity):
            self._delete(view, seen)
        return view

    def _adopt(self, view: View, trials: Sequence[TrialRecord], content: RunContent) -> None:
        """Sign the study's run that an earlier version created. A trial's run is signed when its tags are sent."""
        if not view.unsigned:
            return
        numbers = set(map(trial_number, view.unsigned))
        contents = {one.number: self._trial_content(view, one) for one in trials if one.number in numbers}
        for seen in view.adopt(contents, content):
            self._delete(view, seen)
        if view.study and not is_signed(view.study, self._identity):
            self._tag(view, signature(self._identity))

    def _look_for_others(self, view: View) -> None:
        if not self._has_looked and (shared := self._shared(view, also_deleted=False)):
            self.sharing = (
                f"Experiment {self._study.name!r} in MLflow is shared: {shared}. This study's runs are added to "
                "it; hpstudy changes and deletes no others."
            )
        self._has_looked = True

    def _shared(self, view: View, *, also_deleted: bool) -> str | None:
        """Why the experiment does not belong to the study alone; None if it does."""
        if shared := self._client().shared(view.experiment, also_deleted=also_deleted):
            return shared
        return OTHERS_RUNS if view.others or view.unsigned else None

    def _study_content(self, trials: Sequence[TrialRecord], state: StudyState) -> RunContent:
        content = self._signed(study_content(self._study, trials, state, self._secrets.hide))
        return replace(content, fixed_tags={**content.fixed_tags, **note_tags(content.fixed_tags[NOTE_TAG])})

    def _trial_content(self, view: View, record: TrialRecord) -> RunContent:
        parent_id = view.study.run_id if view.study else ""
        return self._signed(trial_content(self._study, record, parent_id, self._secrets.hide))

    def _signed(self, content: RunContent) -> RunContent:
        return replace(content, tags={**content.tags, **signature(self._identity)})

    def _ensure_study(self, view: View, content: RunContent) -> None:
        """Create the parent run before its children, because they name it."""
        if view.study and is_another(content, view.study):  # extended: params cannot be changed
            content = successor(content, view.study)
            self._delete(view, view.study)
            view.study = None
        if view.study is None:
            view.study = self._client().create(view.experiment.experiment_id, content)

    def _share_view(self, view: View) -> None:
        """Say how the study's page opens. An experiment that is somebody else's opens as they left it."""
        text, experiment = self._secrets.hide(shared_view(self._study)), view.experiment
        if experiment.is_made_here and experiment.shared_view != text and len(text) <= VIEW_CHARACTERS:
            self._client().tag_experiment(experiment.experiment_id, VIEW_TAG, text)
            view.experiment = replace(experiment, shared_view=text)

    def _sync_trials(self, view: View, trials: Sequence[TrialRecord]) -> tuple[Counter[str], list[str]]:
        """Sync the trials. A trial that MLflow refuses does not hold up the others."""
        outcomes: Counter[str] = Counter()
        refusals: list[str] = []
        written = self._create_ended(view, trials)
        outcomes["created"] = len(written)
        for record in trials:
            if record.number in written:
                continue
            try:
                outcomes[self._sync_trial(view, record)] += 1
            except Exception as error:
                if not is_refusal(error):
                    raise
                refusals.append(f"Trial {record.number}: {sentence(error, self._secrets)}")
        return outcomes, refusals

    def _create_ended(self, view: View, trials: Sequence[TrialRecord]) -> set[int]:
        """Create the runs of ended trials that MLflow lacks, many at a time if it can. Returns the trials' numbers."""
        lacking = [one for one in trials if one.state != TrialState.RUNNING and one.number not in view.trials]
        written: set[int] = set()
        for first in range(0, len(lacking), _AT_A_TIME):
            contents = {
                record.number: self._trial_content(view, record) for record in lacking[first : first + _AT_A_TIME]
            }
            taken = {number: content for number, content in contents.items() if takes(content)}
            created = self._client().create_ended(view.experiment.experiment_id, list(taken.values()))
            if created is None:
                break
            view.trials.update(zip(taken, created, strict=True))
            written.update(taken)
        view.mirrored.update({record.number: record for record in lacking if record.number in written})
        return written

    def _sync_trial(self, view: View, record: TrialRecord) -> str:
        mirrored = view.mirrored.get(record.number)
        if mirrored is record or mirrored == record:  # most are the same objects as last time
            return "unchanged"
        content = self._trial_content(view, record)
        seen = view.trials.get(record.number)
        if seen and is_another(content, seen):
            self._delete(view, seen)
            seen = None
        outcome = "unchanged" if seen else "created"
        seen = seen or self._client().create(view.experiment.experiment_id, content)
        view.trials[record.number] = self._send(seen, content)
        view.mirrored[record.number] = record
        changed = outcome == "unchanged" and view.trials[record.number] is not seen
        return "updated" if changed else outcome

    def _delete_unknown(self, view: View, known: set[int]) -> None:
        for number in sorted(view.trials.keys() - known):
            self._delete(view, view.trials.pop(number))

    def _finish_study(self, view: View, content: RunContent) -> None:
        view.study = self._send(_study_of(view), content)
        self._log_texts(view, self._artifacts)

    def _log_texts(self, view: View, texts: Mapping[str, str]) -> None:
        """Log files of the study's run, each only if it has changed."""
        for name, text in texts.items():
            seen, tag, sent = _study_of(view), f"hpstudy.artifact.{name}", digest(text)
            if seen.tags.get(tag) != sent:
                self._client().log_text(seen.run_id, name, self._secrets.hide(text))
                self._tag(view, {tag: sent})

    def _log_report(self, view: View, files: Mapping[str, str]) -> None:
        """Log all files at once if any of them has changed."""
        sent = digest("".join(f"{name}\n{text}" for name, text in files.items()))
        if _study_of(view).tags.get(_REPORT_DIGEST_TAG) != sent:
            self._client().log_files(_study_of(view).run_id, files)
            self._tag(view, {_REPORT_DIGEST_TAG: sent})

    def _log_metrics(self, view: View, metrics: Mapping[str, float]) -> None:
        seen = _study_of(view)
        changed = {name: value for name, value in metrics.items() if seen.metrics.get(name) != value}
        if changed:
            self._client().log_metrics(seen.run_id, changed, step=len(view.trials))
            view.study = replace(seen, metrics={**seen.metrics, **changed})

    def _tag(self, view: View, tags: Mapping[str, str]) -> None:
        seen = _study_of(view)
        for name, text in tags.items():
            self._client().tag(seen.run_id, name, text)
        view.study = replace(seen, tags={**seen.tags, **tags})

    def _send(self, seen: Seen, content: RunContent) -> Seen:
        """Returns the run as it is afterwards; the same object if there was nothing to send."""
        changes = difference(content, seen)
        if not changes:
            return seen
        self._client().send(seen.run_id, changes, content.ended_ms)
        return after(seen, changes)

    def _delete(self, view: View, seen: Seen) -> None:
        self._client().delete(seen.run_id)
        view.deleted += 1


def _study_of(view: View) -> Seen:
    assert view.study is not None, "made by _ensure_study"
    return view.study


def _pretty(declaration: str) -> str:
    return json.dumps(json.loads(declaration), indent=2, ensure_ascii=False) + "\n"
