"""The study database as the face uses it: opened when first needed, closed when nobody uses it any more."""

from __future__ import annotations

import shutil
import threading
import weakref
from typing import TYPE_CHECKING

from hpstudy.errors import HpstudyError, NotFoundError, UserError
from hpstudy.folders import lend_home
from hpstudy.settings import Settings
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    from hpstudy.api.notes import Notifier
    from hpstudy.storage import Store, StudyQueue


class Studies:
    """The studies of one database. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        lend_home(settings.cache_dir)
        self._store: Store | None = None
        self._opening = threading.Lock()

    @property
    def store(self) -> Store:
        """Raises StorageError if the database cannot be opened."""
        from hpstudy.storage import Store

        with self._opening:
            if self._store is None:
                self._store = Store(self.settings.storage, grace_s=self.settings.grace_s)
                weakref.finalize(self, self._store.close)
            return self._store

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        with self._opening:
            if self._store is not None:
                self._store.close()

    def register(self, study: Study, *, fresh: bool, notifier: Notifier) -> StudyQueue:
        """Record a study that is to be run, and find the trials whose process has died.

        Args:
            fresh: Delete what is recorded under its name first.

        Raises:
            UserError: the recorded study has another declaration, or with `fresh` is still running.
        """
        identity = self._delete_if_idle(study.name, notifier) if fresh else None
        queue = self.store.register(study, identity)
        queue.claims.reconcile()
        return queue

    def delete(self, queue: StudyQueue, notifier: Notifier) -> None:
        """Delete a study everywhere. The database comes first: it is the truth, and everything else is a copy."""
        from hpstudy.tracking import tracker_of

        identity, records, tracker = queue.entry.identity(), queue.trials.records(), tracker_of(self.settings)
        self.store.delete(queue.study.name)
        shutil.rmtree(self.settings.runs_dir / queue.study.name, ignore_errors=True)
        try:
            if stays := tracker.mirror(queue.study, identity=lambda: identity).forget(records):
                notifier.say(stays)
        except HpstudyError as error:
            notifier.warn(f"The copy in {tracker.name} could not be deleted: {error}")

    def _delete_if_idle(self, name: str, notifier: Notifier) -> str | None:
        """Returns the identity of the deleted study: the new one takes it over, and with it the tracker's runs."""
        try:
            recorded = self.store.open(name)
        except NotFoundError:
            return None
        if recorded.trials.progress().running:
            raise UserError(f"Study {name!r} is running elsewhere. Stop it before --fresh.")
        identity = recorded.entry.identity()
        self.delete(recorded, notifier)
        return identity


def check_home(settings: Settings, notifier: Notifier) -> None:
    """Raises HpstudyError if nothing can be written there."""
    from hpstudy.tracking import tracker_of

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
    if caution := tracker_of(settings).caution:
        notifier.warn(caution)
