"""Taking trials of a study: claim under a lock, and reconcile the recorded state with reality."""

from __future__ import annotations

import dataclasses
import logging
import math
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.search_space import IntersectionSearchSpace
from optuna.trial import FrozenTrial

from hpstudy.errors import StorageError, UserError
from hpstudy.owner import Owner
from hpstudy.records import TrialRecord
from hpstudy.storage import conversion
from hpstudy.storage.claim import Claim
from hpstudy.storage.conversion import Start
from hpstudy.storage.database import Database
from hpstudy.storage.entry import StudyEntry
from hpstudy.storage.instructions import Instructions
from hpstudy.storage.intake import Intake
from hpstudy.storage.ledger import Ledger, Standing
from hpstudy.storage.optuna_private import id_of
from hpstudy.storage.order import Planned, Winner, make_order
from hpstudy.storage.progress import Progress
from hpstudy.storage.samplers import Seeds, make_pruner, make_sampler, make_space, suggest
from hpstudy.storage.view import SearchedOnly, SearchKey, SearchView, turns_of
from hpstudy.study.designs import Compare
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study

_LOG = logging.getLogger(__name__)


class Claims:
    """Decides who takes which trial. A claim holds the study's lock: no budget is exceeded, and no cell taken twice.

    Args:
        find_original: Returns the trial that was trained with these levels and this seed, if there is one.
        grace_s: A trial without a heartbeat for this long is lost.
    """

    def __init__(
        self,
        database: Database,
        entry: StudyEntry,
        ledger: Ledger,
        intake: Intake,
        *,
        find_original: Callable[[Mapping[str, Level], int], TrialRecord | None],
        grace_s: float,
    ) -> None:
        self._database, self._entry, self._ledger, self._intake = database, entry, ledger, intake
        self._find_original, self._grace_s = find_original, grace_s
        self._order = make_order(entry.study, self._winner)
        self._spaces: defaultdict[SearchKey | None, IntersectionSearchSpace] = defaultdict(make_space)

    @property
    def _study(self) -> Study:
        return self._entry.study

    def claim(self, owner: Owner) -> Claim | None:
        """Take a trial: the next lost one, or the design's next cell, given configuration, proposal or confirmation.

        Returns:
            The claim; None if nothing is left to take now. Trials of other processes may still be lost, so ask again
            unless the study is finished.
        """
        while True:
            token = uuid.uuid4().hex
            with self._declared_levels_only():
                taken = self._database.retrying(lambda: self._take(owner, token))  # noqa: B023 - called at once
                if taken is None:
                    return None
                try:  # the sampler thinks after the lock is released
                    return self._database.retrying(lambda: self._claim_of(*taken))  # noqa: B023 - called at once
                except UpdateFinishedTrialError:  # paused so long that the trial was taken away: take the next one
                    continue

    def reconcile(self) -> None:
        """Find the trials whose process died and mark them as lost, so that they are tried again."""

        def reconcile() -> None:
            with self._entry.lock():
                self._reconciled()

        self._database.retrying(reconcile)

    def release(self, owner: Owner, reason: str, *, failed_attempt: bool) -> None:
        """Take back the trials of a process that died or was ended, without waiting for its heartbeats to stop.

        Args:
            failed_attempt: Whether this counts as an attempt of its trials: not if the process was ended on purpose.
        """

        def release() -> None:
            for trial in self._ledger.read().running:
                if conversion.owner_of(trial) == owner:
                    self._lose(trial, reason, released=not failed_attempt)

        self._database.retrying(release)

    def retry_failed(self) -> list[int]:
        """Try every failed trial again, each as a new trial that names it. Returns the numbers of the failed trials."""
        instructions = self._database.retrying(self._entry.read)
        standing = self._database.retrying(self._ledger.read)
        failed = sorted(standing.failed.keys() - instructions.again)
        self._entry.instruct(lambda given: dataclasses.replace(given, again=given.again | set(failed)))
        return failed

    def _take(self, owner: Owner, token: str) -> tuple[int, int, Start] | None:
        """Create the next trial, or find it if it was created before and the answer was lost."""
        with self._entry.lock():
            standing, instructions = self._reconciled(), self._entry.instructions
            for trial in standing.running:
                if conversion.token_of(trial) == token:
                    return id_of(trial), trial.number, Start.of(trial)
            if instructions.stopped or self._is_all_begun(standing, instructions):
                return None
            planned = self._next(standing, instructions)
            if planned is None:
                return None
            number = standing.trials
            template = conversion.template(
                self._study, planned.start, planned.params, owner, number=number, token=token
            )
            return self._database.optuna.create_new_trial(self._entry.study_id, template), number, planned.start

    def _is_all_begun(self, standing: Standing, instructions: Instructions) -> bool:
        budget = self._intake.budget(standing)
        return Progress.of(self._study, standing, instructions, budget).waiting == 0

    def _reconciled(self) -> Standing:
        """Where the study stands once lost trials are marked. Under the lock every running trial has its heartbeat."""
        self._entry.read()
        standing = self._ledger.read()
        if not standing.running:
            return standing
        ages_s = self._database.heartbeat_ages_s([id_of(trial) for trial in standing.running])
        if not self._database.is_shared:
            self._refuse_two_machines(standing.running, ages_s)
        reasons = [(trial, self._death(trial, ages_s)) for trial in standing.running]
        for trial, reason in reasons:
            if reason:
                self._lose(trial, reason, released=False)
        return self._ledger.read() if any(reason for _, reason in reasons) else standing

    def _death(self, trial: FrozenTrial, ages_s: dict[int, float]) -> str | None:
        """Why a running trial is lost; None while its process is alive."""
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
            self._database.rdb.finish(id_of(trial), optuna.trial.TrialState.FAIL, None, conversion.LOST, mark)
        except UpdateFinishedTrialError:
            return  # it has ended in the meantime: nothing is lost
        _LOG.info("A trial was lost.", extra={"trial": trial.number, "reason": reason})

    def _refuse_two_machines(self, running: Sequence[FrozenTrial], ages_s: dict[int, float]) -> None:
        """SQLite's locks work on one machine only. A trial whose owner is on another one shows that there are two."""
        for trial in running:
            owner = conversion.owner_of(trial)
            age_s = ages_s.get(id_of(trial))
            if owner and owner.is_elsewhere() and age_s is not None and age_s <= self._grace_s:
                raise UserError(
                    f"Trial {trial.number} of study {self._study.name!r} is in training on {owner.host}, and this is "
                    f"another machine. The database {self._database.label} is an SQLite file, which only one machine "
                    "may use. Let the machines share PostgreSQL: HPSTUDY_STORAGE=postgresql://user@host/database."
                )

    def _next(self, standing: Standing, instructions: Instructions) -> Planned | None:
        wanted = {
            **standing.lost,
            **{number: standing.failed[number] for number in standing.failed.keys() & instructions.again},
        }
        if wanted and (open_ones := wanted.keys() - self._ledger.begun().retried):
            trial = wanted[min(open_ones)]
            return Planned(conversion.next_attempt(trial), self._declared(trial))
        if self._order.study is not self._study:  # it was extended meanwhile
            self._order = make_order(self._study, self._winner)
        return self._order.next(standing, self._ledger, self._intake)

    def _winner(self, search: SearchKey) -> Winner:
        """The best complete trial of a search whose trials have all ended, or the first trial if none is complete.

        Of equal ones it is the first. Whoever asks finds the same, as long as no failed trial is tried again.
        """
        every = self._database.optuna.get_all_trials(self._entry.study_id, deepcopy=False)
        trials = list(turns_of(every, search).values())
        complete = [trial for trial in trials if trial.state == optuna.trial.TrialState.COMPLETE]
        score = self._study.objectives[0].score
        scores = {trial.number: score(trial.value) for trial in complete if trial.value is not None}
        winner = max(trials, key=lambda trial: scores.get(trial.number, -math.inf))
        return Winner(winner.number, self._declared(winner))

    def _declared(self, trial: FrozenTrial) -> dict[str, Level]:
        """Those parameters of a trial that the study declares: nothing is built from what others wrote there."""
        domains, params = self._study.domains, conversion.params_of(self._database.optuna.get_trial(id_of(trial)))
        return {name: level for name, level in params.items() if name in domains and domains[name].contains(level)}

    @contextmanager
    def _declared_levels_only(self) -> Iterator[None]:
        """Optuna compares the declared levels with those of earlier trials, and refuses them if they differ."""
        try:
            yield
        except ValueError as error:
            raise StorageError(
                f"The database holds levels for study {self._study.name!r} that it does not declare: {error} "
                "Something other than hpstudy changed the database. Restore it from a backup, or use --fresh."
            ) from error

    def _claim_of(self, trial_id: int, number: int, start: Start) -> Claim:
        study = self._study
        cell = study.cells()[start.cell].params if study.tune and start.cell is not None else {}
        trial = optuna.trial.Trial(self._optuna_study(trial_id, number, start, cell), trial_id)
        params = suggest(study.tune or study.vary, trial, beside=cell)  # not for what is set
        study.check_params(params)
        return Claim(
            self._database, study, trial, number, params, start, lambda: self._find_original(params, start.seed)
        )

    def _optuna_study(self, trial_id: int, number: int, start: Start, cell: Mapping[str, Level]) -> optuna.Study:
        """As the trial's sampler and pruner see it. In a design of many searches that is one of them."""
        study, storage, search = self._study, self._database.optuna, None
        seeds = Seeds.of_trial(study, number)
        if isinstance(study.design, Compare) and start.cell is not None:
            search = start.cell, start.replicate
            turn = study.design.trials if start.turn is None else start.turn  # a confirmation comes last
            storage = SearchView(storage, search, trial_id=trial_id, turn=turn, fixed=study.vary)
            seeds = Seeds.of_turn(study, cell, start.replicate, turn)
        elif study.design.confirms:
            storage = SearchedOnly(storage)
        return optuna.load_study(
            study_name=study.name,
            storage=storage,
            sampler=make_sampler(study, seeds, self._spaces[search]),
            pruner=make_pruner(study),
        )
