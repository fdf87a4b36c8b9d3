"""Make MLflow equal to the trials: look at what is there, compare, send the difference."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hpstudy.errors import HpstudyError, MirrorError
from hpstudy.records import TrialRecord
from hpstudy.settings import Settings
from hpstudy.study.spec import Study
from hpstudy.tracking.mlflow.connection import connect, sentence, translated
from hpstudy.tracking.mlflow.contents import (
    MODEL_TAG,
    NOTE_TAG,
    ROLE_TAG,
    TRIAL_TAG,
    RunContent,
    cut_tag,
    description,
    study_content,
    trial_content,
)
from hpstudy.tracking.mlflow.differences import Seen, after, difference, is_another
from hpstudy.tracking.mlflow.remote import Remote, is_refusal
from hpstudy.tracking.mlflow.secrets import Secrets

_NOTE_DIGEST_TAG = "hpstudy.note"  # of the description as we wrote it last
_REPORT_DIGEST_TAG = "hpstudy.report"  # of the report as we sent it last
_HAPPENED = "did not take the trials"
_REMEDY = "Nothing is lost: they are in the study database, and `hpstudy sync` sends them when MLflow is back."


@dataclass(frozen=True, kw_only=True)
class SyncSummary:
    """What a sync did to the runs of trials."""

    created: int
    updated: int
    unchanged: int
    deleted: int  # runs of trials that the database does not know, and duplicates

    def __str__(self) -> str:
        return f"{self.created} created, {self.updated} updated, {self.unchanged} unchanged, {self.deleted} deleted"


@dataclass(kw_only=True)
class _View:
    """MLflow as it was when it was read, and as we changed it since."""

    experiment_id: str
    study: Seen | None = None
    trials: dict[int, Seen] = field(default_factory=dict)
    mirrored: dict[int, TrialRecord] = field(default_factory=dict)  # records that are there in full
    deleted: int = 0


class Mirror:
    """Mirrors one study: one experiment, one parent run, one child run a trial.

    It reads MLflow once and remembers; after any error it reads again before it sends anything, because a
    request that failed may have been committed. Several mirrors of one study, on several machines, end with
    the same runs: of duplicates all keep the same one. Thread-safe; a call may take as long as MLflow does.

    Args:
        source: The text of the study file, to be logged beside the declaration.
    """

    def __init__(self, settings: Settings, study: Study, *, source: str | None = None) -> None:
        self._settings, self._study = settings, study
        self._secrets = Secrets.of(settings)
        self._artifacts = {"study.json": _pretty(study.to_json())}
        if source is not None:
            self._artifacts["study.py"] = source
        self._remote_: Remote | None = None
        self._view: _View | None = None
        self._lock = threading.RLock()

    def sync(self, trials: Sequence[TrialRecord], *, state: str, complete: bool = False) -> SyncSummary:
        """Make MLflow equal to these trials. Done twice, the second time changes nothing.

        Args:
            state: Of the study: running, finished or stopped.
            complete: These are all trials of the study: read MLflow again first, and delete the runs of others.

        Raises:
            MirrorError: MLflow is away or refused something. What could be sent was sent.
        """
        with self._session():
            if complete:
                self._view = None
            view = self._read()
            content = study_content(self._study, trials, state, self._secrets.hide)
            self._ensure_study(view, content)
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
        """Put a report onto the study's run: its files, and its findings above the declaration in the description.

        A description that people have changed is left alone. Done twice, the second time changes nothing.

        Args:
            files: Path → text.
            findings: Markdown.
            metrics: Numbers of the report that studies are sorted by.

        Raises:
            MirrorError: MLflow is away or refused something.
        """
        self.parent_run_id()  # makes the run if there is none
        with self._session():
            view = self._read()
            self._log_report(view, {name: self._secrets.hide(text) for name, text in files.items()})
            self._log_metrics(view, metrics or {})
            seen, own = _study_of(view), self._secrets.hide(description(self._study))
            note = cut_tag(f"{self._secrets.hide(findings)}\n\n{own}")
            found = seen.tags.get(NOTE_TAG, "")
            is_ours = found in ("", cut_tag(own)) or _digest(found) == seen.tags.get(_NOTE_DIGEST_TAG)
            if found != note and is_ours:
                self._tag(view, {NOTE_TAG: note, _NOTE_DIGEST_TAG: _digest(note)})

    def tag_study(self, name: str, text: str) -> None:
        """Tag the study's run. Raises MirrorError if MLflow is away."""
        self.parent_run_id()
        with self._session():
            view = self._read()
            if _study_of(view).tags.get(name) != text:
                self._tag(view, {name: text})

    def refresh(self) -> None:
        """Forget what MLflow held: the next call reads it again."""
        with self._lock:
            self._view = None

    @property
    def experiment_id(self) -> str:
        """Raises MirrorError if MLflow is away."""
        with self._session():
            return self._read().experiment_id

    def parent_run_id(self) -> str:
        """The run of the study, which is made if there is none. Raises MirrorError if MLflow is away."""
        with self._session():
            view = self._read()
            if view.study is None:
                self._ensure_study(view, study_content(self._study, (), "running", self._secrets.hide))
            return _study_of(view).run_id

    def run_id(self, number: int) -> str | None:
        """The run of a trial; None if it was not mirrored yet. Raises MirrorError if MLflow is away."""
        with self._session():
            seen = self._read().trials.get(number)
            return seen.run_id if seen else None

    def is_finished(self) -> bool:
        """Whether MLflow has this study as finished, which is written after all of its trials.

        Raises:
            MirrorError: MLflow is away.
        """
        with self._session():
            seen = self._remote().study_run()
            content = study_content(self._study, (), "finished", self._secrets.hide)
            return seen is not None and seen.status == content.status and not is_another(content, seen)

    def forget(self) -> None:
        """Delete the study's experiment and free its name. Its runs can still be restored in MLflow.

        Raises:
            MirrorError: MLflow is away.
        """
        with self._session():
            self._view = None
            self._remote().bury_experiment()

    def explain(self, error: Exception) -> str:
        """An error as one sentence, without passwords."""
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

    def _remote(self) -> Remote:
        if self._remote_ is None:
            self._remote_ = Remote(connect(self._settings), self._study.name)
        return self._remote_

    def _read(self) -> _View:
        """MLflow as it is, without duplicates: of several runs for one thing the oldest stays."""
        if self._view is not None:
            return self._view
        remote = self._remote()
        note = self._secrets.hide(description(self._study))
        view = _View(experiment_id=remote.experiment(self._settings.artifact_root, note))
        for seen in remote.runs(view.experiment_id):
            number = seen.tags.get(TRIAL_TAG, "")
            if seen.tags.get(ROLE_TAG) == "study" and view.study is None:
                view.study = seen
            elif seen.tags.get(ROLE_TAG) == "trial" and number.isdecimal() and int(number) not in view.trials:
                view.trials[int(number)] = seen
            else:
                self._delete(view, seen)
        self._view = view
        return view

    def _ensure_study(self, view: _View, content: RunContent) -> None:
        """Make the parent run before its children, for they name it."""
        if view.study and is_another(content, view.study):  # extended: params cannot be changed
            kept = {name: text for name, text in view.study.tags.items() if name.startswith(MODEL_TAG)}
            content = replace(content, tags={**content.tags, **kept})
            self._delete(view, view.study)
            view.study = None
        if view.study is None:
            view.study = self._remote().create(view.experiment_id, content)

    def _sync_trials(self, view: _View, trials: Sequence[TrialRecord]) -> tuple[Counter[str], list[str]]:
        """A trial that MLflow refuses does not hold up the others."""
        outcomes: Counter[str] = Counter()
        refusals: list[str] = []
        for record in trials:
            try:
                outcomes[self._sync_trial(view, record)] += 1
            except Exception as error:
                if not is_refusal(error):
                    raise
                refusals.append(f"Trial {record.number}: {sentence(error, self._secrets)}")
        return outcomes, refusals

    def _sync_trial(self, view: _View, record: TrialRecord) -> str:
        parent_id = _study_of(view).run_id
        mirrored = view.mirrored.get(record.number)
        if mirrored is record or mirrored == record:  # most are the very same objects as last time
            return "unchanged"
        content = trial_content(self._study, record, parent_id, self._secrets.hide)
        seen = view.trials.get(record.number)
        if seen and is_another(content, seen):
            self._delete(view, seen)
            seen = None
        outcome = "unchanged" if seen else "created"
        seen = seen or self._remote().create(view.experiment_id, content)
        view.trials[record.number] = self._send(seen, content)
        view.mirrored[record.number] = record
        changed = outcome == "unchanged" and view.trials[record.number] is not seen
        return "updated" if changed else outcome

    def _delete_unknown(self, view: _View, known: set[int]) -> None:
        for number in sorted(view.trials.keys() - known):
            self._delete(view, view.trials.pop(number))

    def _finish_study(self, view: _View, content: RunContent) -> None:
        view.study = self._send(_study_of(view), content)
        self._log_texts(view, self._artifacts)

    def _log_texts(self, view: _View, texts: Mapping[str, str]) -> None:
        """Files of the study's run, each sent again only when it has changed."""
        for name, text in texts.items():
            seen, tag, digest = _study_of(view), f"hpstudy.artifact.{name}", _digest(text)
            if seen.tags.get(tag) != digest:
                self._remote().log_text(seen.run_id, name, self._secrets.hide(text))
                self._tag(view, {tag: digest})

    def _log_report(self, view: _View, files: Mapping[str, str]) -> None:
        """All files at once, and again only when one has changed."""
        digest = _digest("".join(f"{name}\n{text}" for name, text in files.items()))
        if _study_of(view).tags.get(_REPORT_DIGEST_TAG) != digest:
            self._remote().log_files(_study_of(view).run_id, files)
            self._tag(view, {_REPORT_DIGEST_TAG: digest})

    def _log_metrics(self, view: _View, metrics: Mapping[str, float]) -> None:
        seen = _study_of(view)
        changed = {name: value for name, value in metrics.items() if seen.metrics.get(name) != value}
        if changed:
            self._remote().log_metrics(seen.run_id, changed, step=len(view.trials))
            view.study = replace(seen, metrics={**seen.metrics, **changed})

    def _tag(self, view: _View, tags: Mapping[str, str]) -> None:
        seen = _study_of(view)
        for name, text in tags.items():
            self._remote().tag(seen.run_id, name, text)
        view.study = replace(seen, tags={**seen.tags, **tags})

    def _send(self, seen: Seen, content: RunContent) -> Seen:
        """Returns the run as it is then; the very same object if nothing had to be sent."""
        changes = difference(content, seen)
        if not changes:
            return seen
        self._remote().send(seen.run_id, changes, content.ended_ms)
        return after(seen, changes)

    def _delete(self, view: _View, seen: Seen) -> None:
        self._remote().delete(seen.run_id)
        view.deleted += 1


def _study_of(view: _View) -> Seen:
    assert view.study is not None, "made by _ensure_study"
    return view.study


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _pretty(declaration: str) -> str:
    return json.dumps(json.loads(declaration), indent=2, ensure_ascii=False) + "\n"
