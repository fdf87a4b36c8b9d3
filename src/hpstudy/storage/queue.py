"""One study as a queue of trials: claim under a lock, reconcile what is with what should be."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial

from hpstudy.errors import NotFoundError, StorageError, UserError
from hpstudy.owner import Owner
from hpstudy.records import TrialRecord, TrialState
from hpstudy.storage import conversion
from hpstudy.storage.book import RecordBook
from hpstudy.storage.cells import CellOrder
from hpstudy.storage.claim import Claim
from hpstudy.storage.conversion import Start
from hpstudy.storage.database import Database
from hpstudy.storage.diverged import Diverged
from hpstudy.storage.ledger import Ledger, Standing
from hpstudy.storage.optuna_private import id_of
from hpstudy.storage.orders import DECLARATION, IDENTITY, ORDERS, Orders
from hpstudy.storage.originals import Originals
from hpstudy.storage.progress import Progress
from hpstudy.storage.samplers import make_pruner, make_sampler, make_space, suggest
from hpstudy.study.designs import Grid
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study

EVALUATION = "hpstudy.evaluation"  # user attribute of an Optuna study: its scores on the test split
_LOG = logging.getLogger(__name__)


class StudyQueue:
    """The trials of one registered study.

    Any number of processes may use the same study; a claim holds the lock of the study, so no budget is
    overshot and no cell is taken twice.
    """

    def __init__(self, database: Database, study: Study, *, grace_s: float) -> None:
        self.study = study
        self.database = database
        self._grace_s = grace_s
        self._study_id = database.optuna.get_study_id_from_name(study.name)
        self._recorded = ""  # the declaration as the database has it
        self._orders = Orders()
        self._ledger = Ledger(database, self._study_id)
        self._book = RecordBook(database, self._study_id)
        self._originals = Originals(database, self._study_id, self._ledger)
        self._diverged = Diverged(database, self._ledger)
        self._cells = CellOrder(study)
        self._space = make_space()
        self._found_best: tuple[int, list[TrialRecord]] = (0, [])  # among so many complete trials

    def lock(self) -> AbstractContextManager[None]:
        """At most one process holds it; see `Database.study_lock`."""
        return self.database.study_lock(self.study.name)

    def claim(self, owner: Owner) -> Claim | None:
        """Take a trial: the next one lost, the next cell of the grid, the next given configuration, or a proposal of
        the sampler.

        Returns:
            None if nothing is left to take now. Trials of others may still be lost, so ask again unless
            the study is finished.
        """
        while True:
            token = uuid.uuid4().hex
            with self._declared_levels_only():
                taken = self.database.retrying(lambda: self._take(owner, token))  # noqa: B023 - called at once
                if taken is None:
                    return None
                try:  # the sampler thinks after the lock is released
                    return self.database.retrying(lambda: self._claim_of(*taken))  # noqa: B023 - called at once
                except UpdateFinishedTrialError:  # paused for so long that the trial was taken away: take the next
                    continue

    def reconcile(self) -> None:
        """Find the trials whose process died and mark them as lost, so that they are tried again."""

        def reconcile() -> None:
            with self.lock():
                self._reconciled()

        self.database.retrying(reconcile)

    def release(self, owner: Owner, reason: str, *, failed_attempt: bool) -> None:
        """Take the trials of a process that was ended or died, without waiting for its heartbeat to stop.

        Args:
            failed_attempt: Whether it counts as an attempt of its trials: not if it was ended on purpose.
        """

        def release() -> None:
            for trial in self._ledger.read().running:
                if conversion.owner_of(trial) == owner:
                    self._lose(trial, reason, released=not failed_attempt)

        self.database.retrying(release)

    def records(self) -> list[TrialRecord]:
        """Every trial, in the order of their numbers."""
        return self.database.retrying(self._records)

    def record(self, number: int) -> TrialRecord:
        """Raises NotFoundError if there is no such trial."""
        record = self.database.retrying(lambda: self._record(number))
        if record is None:
            raise NotFoundError(f"Study {self.study.name!r} has no trial {number}. `hpstudy export` lists them.")
        return record

    def original(self, params: Mapping[str, Level], seed: int) -> TrialRecord | None:
        """The trial of a search that was trained with exactly these levels and this seed, if there is one.

        Training them again would give the same epochs. A grid has none: its cells and replicates all differ.
        """
        if isinstance(self.study.design, Grid):
            return None
        record = self.database.retrying(lambda: self._originals.find(params))
        wanted = {objective.metric for objective in self.study.objectives}
        if record is None or record.seed != seed or not (record.history or record.diverged):
            return None  # others may have written into the database, too
        return record if record.state == TrialState.PRUNED or wanted <= record.metrics.keys() else None

    def progress(self) -> Progress:
        standing, orders = self.database.retrying(self._read)
        diverged = self.database.retrying(self._diverged.count)
        return dataclasses.replace(self._progress(standing, orders), diverged=diverged)

    def stop(self) -> None:
        """Let nobody take a trial of this study until `resume`. Trials that are in training go on to their end."""
        self._order(lambda orders: dataclasses.replace(orders, stopped=True))

    def resume(self) -> None:
        """Let trials be taken again."""
        self._order(lambda orders: dataclasses.replace(orders, stopped=False))

    def retry_failed(self) -> list[int]:
        """Have every failed trial tried again, as a new trial that names it. Returns their numbers."""
        standing, orders = self.database.retrying(self._read)
        failed = sorted(standing.failed.keys() - orders.again)
        self._order(lambda orders: dataclasses.replace(orders, again=orders.again | set(failed)))
        return failed

    def extend(self, study: Study) -> None:
        """Record a declaration that differs in nothing but a larger budget; living workers take it up.

        Raises:
            UserError: the budget is not larger.
        """

        def extend() -> None:
            with self.lock():
                self._read_orders()
                if study.budget <= self.study.budget:
                    raise UserError(
                        f"Study {study.name!r} has a budget of {self.study.budget} trials; {study.budget} does not "
                        "extend it. Trials are never taken back: give the whole new budget, not what is added."
                    )
                self.database.optuna.set_study_user_attr(self._study_id, DECLARATION, study.to_json())
                self._read_orders()

        self.database.retrying(extend)

    def best(self) -> list[TrialRecord]:
        """The best trial, or the Pareto front of several objectives. Empty if no trial is complete.

        Which of several equal trials is best is decided by Optuna, so that its own tools name the same.
        """
        return self.database.retrying(self._best)

    def _best(self) -> list[TrialRecord]:
        """Asked again only when a trial was completed since."""
        complete = self._read()[0].complete
        if complete != self._found_best[0]:
            study = self._optuna_study(0)
            best = [study.best_trial] if len(self.study.objectives) == 1 else study.best_trials
            records = self._book.records_of(best)
            self._found_best = complete, [record for record in records if record is not None]
        return self._found_best[1]

    def _records(self) -> list[TrialRecord]:
        self._read_orders()
        return self._book.read(self._orders.again)

    def _record(self, number: int) -> TrialRecord | None:
        self._read_orders()
        try:
            trial_id = self.database.rdb.get_trial_id_from_study_id_trial_number(self._study_id, number)
        except KeyError:
            return None
        return conversion.record_of(self.database.rdb.get_trial(trial_id), self._orders.again)

    def _take(self, owner: Owner, token: str) -> tuple[int, int, Start] | None:
        """Create the next trial; or find it, if it was created before and the answer was lost."""
        with self.lock():
            standing, orders = self._reconciled(), self._orders
            for trial in standing.running:
                if conversion.token_of(trial) == token:
                    return id_of(trial), trial.number, Start.of(trial)
            if orders.stopped or self._progress(standing, orders).waiting == 0:
                return None
            start, params = self._next(standing, orders)
            number = standing.trials
            template = conversion.template(self.study, start, params, owner, number=number, token=token)
            return self.database.optuna.create_new_trial(self._study_id, template), number, start

    def _read(self) -> tuple[Standing, Orders]:
        """The orders first: a trial that failed after they were given is then seen with its failure."""
        self._read_orders()
        return self._ledger.read(), self._orders

    def _read_orders(self) -> None:
        try:
            attributes = self.database.optuna.get_study_user_attrs(self._study_id)
        except KeyError as error:
            raise NotFoundError(f"Study {self.study.name!r} was deleted meanwhile.") from error
        self._orders = Orders.of(attributes)
        declaration = attributes.get(DECLARATION, self._recorded)
        if declaration != self._recorded:
            self._recorded, self.study = declaration, Study.from_json(declaration)
            self._cells = CellOrder(self.study)

    def _order(self, change: Callable[[Orders], Orders]) -> None:
        def order() -> None:
            with self.lock():
                self._read_orders()
                self.database.optuna.set_study_user_attr(self._study_id, ORDERS, change(self._orders).to_json())

        self.database.retrying(order)

    def evaluation(self) -> dict[str, Any] | None:
        """What `keep_evaluation` was given last; None if the test split was not touched yet."""
        with self.database.translated():
            found: dict[str, Any] | None = self.database.optuna.get_study_user_attrs(self._study_id).get(EVALUATION)
            return found

    def keep_evaluation(self, evaluation: Mapping[str, Any]) -> None:
        """Store the scores on the test split with the study."""
        self.database.retrying(
            lambda: self.database.optuna.set_study_user_attr(self._study_id, EVALUATION, dict(evaluation))
        )

    def identity(self) -> str:
        """What tells this study from those of its name in other databases, for places that several databases share.

        A study that an earlier version recorded gets one when it is first asked for.
        """
        return self.database.retrying(self._identified)

    def _identified(self) -> str:
        with self.lock():
            storage = self.database.optuna
            found: str | None = storage.get_study_user_attrs(self._study_id).get(IDENTITY)
            if found is None:
                found = uuid.uuid4().hex
                storage.set_study_user_attr(self._study_id, IDENTITY, found)
            return found

    def _progress(self, standing: Standing, orders: Orders) -> Progress:
        again = len(standing.failed.keys() & orders.again)
        return Progress(
            budget=self.study.budget,
            complete=standing.complete,
            pruned=standing.pruned,
            failed=len(standing.failed) - again,
            running=len(standing.running),
            lost=len(standing.lost) + again,
            stopped=orders.stopped,
        )

    def _reconciled(self) -> Standing:
        """Where the study stands after the dead were found. Under the lock: every running trial has its heartbeat."""
        standing, _ = self._read()
        if not standing.running:
            return standing
        ages_s = self.database.heartbeat_ages_s([id_of(trial) for trial in standing.running])
        if not self.database.is_shared:
            self._refuse_two_machines(standing.running, ages_s)
        reasons = [(trial, self._death(trial, ages_s)) for trial in standing.running]
        for trial, reason in reasons:
            if reason:
                self._lose(trial, reason, released=False)
        return self._ledger.read() if any(reason for _, reason in reasons) else standing

    def _death(self, trial: FrozenTrial, ages_s: dict[int, float]) -> str | None:
        """Why a running trial is lost; None while its process lives."""
        owner = conversion.owner_of(trial)
        where = f"process {owner.pid} on {owner.host}" if owner else "its process"
        if owner and owner.is_known_dead():
            return f"{where} died"
        age_s = ages_s.get(id_of(trial))
        if age_s is None:
            return f"{where} died before its first heartbeat"
        return f"{where} sent no heartbeat for {age_s:.0f} s" if age_s > self._grace_s else None

    def _lose(self, trial: FrozenTrial, reason: str, *, released: bool) -> None:
        mark = conversion.lost_mark(reason, released=released, now=datetime.now(UTC))
        try:
            self.database.rdb.finish(id_of(trial), optuna.trial.TrialState.FAIL, None, conversion.LOST, mark)
        except UpdateFinishedTrialError:
            return  # it ended meanwhile: nothing is lost
        _LOG.info("A trial was lost.", extra={"trial": trial.number, "reason": reason})

    def _refuse_two_machines(self, running: Sequence[FrozenTrial], ages_s: dict[int, float]) -> None:
        """SQLite's locks work on one machine. A trial whose owner lives on another one tells that there are two."""
        for trial in running:
            owner = conversion.owner_of(trial)
            age_s = ages_s.get(id_of(trial))
            if owner and owner.is_elsewhere() and age_s is not None and age_s <= self._grace_s:
                raise UserError(
                    f"Trial {trial.number} of study {self.study.name!r} is in training on {owner.host}, and this is "
                    f"another machine. The database {self.database.label} is an SQLite file, which one machine alone "
                    "may use. Let the machines share PostgreSQL: HPSTUDY_STORAGE=postgresql://user@host/database."
                )

    def _next(self, standing: Standing, orders: Orders) -> tuple[Start, dict[str, Level]]:
        wanted = {
            **standing.lost,
            **{number: standing.failed[number] for number in standing.failed.keys() & orders.again},
        }
        if wanted and (open_ones := wanted.keys() - self._ledger.begun().retried):
            trial = wanted[min(open_ones)]
            return conversion.next_attempt(trial), self._declared(trial)
        if isinstance(self.study.design, Grid):
            cell, replicate = self._cells.first_free(self._ledger.begun().taken)
            start = Start(cell=cell.number, replicate=replicate, seed=self.study.seed_of(replicate))
            return start, dict(cell.params)
        start = Start(replicate=0, seed=self.study.seed_of(0))
        given = self._free_given()
        return (start, {}) if given is None else (dataclasses.replace(start, given=given), dict(self._first[given]))

    @property
    def _first(self) -> Sequence[Mapping[str, Level]]:
        return () if isinstance(self.study.design, Grid) else self.study.design.first

    def _free_given(self) -> int | None:
        """The first of the given configurations that no trial has tried. Asks nothing where none is given."""
        taken = self._ledger.begun().given if self._first else set()
        return next((number for number in range(len(self._first)) if number not in taken), None)

    def _declared(self, trial: FrozenTrial) -> dict[str, Level]:
        """Its parameters as far as the study declares them: nothing is built from what others wrote there."""
        vary, params = self.study.vary, conversion.params_of(self.database.optuna.get_trial(id_of(trial)))
        return {name: level for name, level in params.items() if name in vary and vary[name].contains(level)}

    @contextmanager
    def _declared_levels_only(self) -> Iterator[None]:
        """Optuna compares the declared levels with those that earlier trials have recorded."""
        try:
            yield
        except ValueError as error:
            raise StorageError(
                f"The database holds levels for study {self.study.name!r} that it does not declare: {error} "
                "Somebody changed the database by other means than hpstudy. Restore it from a backup, or use --fresh."
            ) from error

    def _claim_of(self, trial_id: int, number: int, start: Start) -> Claim:
        trial = optuna.trial.Trial(self._optuna_study(number), trial_id)
        params = suggest(self.study, trial)  # what is set already is not asked again
        self.study.check_params(params)
        return Claim(self.database, self.study, trial, params, start, lambda: self.original(params, start.seed))

    def _optuna_study(self, trial_number: int) -> optuna.Study:
        return optuna.load_study(
            study_name=self.study.name,
            storage=self.database.optuna,
            sampler=make_sampler(self.study, trial_number, self._space),
            pruner=make_pruner(self.study),
        )
