"""MLflow as it was read, with our changes since. Pure: every run that goes in gets its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hpstudy.records import TrialRecord
from hpstudy.tracking.mlflow.contents import PARENT_TAG, RunContent
from hpstudy.tracking.mlflow.differences import Seen, is_another
from hpstudy.tracking.mlflow.ownership import Experiment, is_signed, is_study, is_unsigned, trial_number


@dataclass(kw_only=True)
class View:
    """What the experiment with a study's name holds."""

    experiment: Experiment
    study: Seen | None = None
    trials: dict[int, Seen] = field(default_factory=dict)
    unsigned: list[Seen] = field(default_factory=list)  # runs of an earlier version, for a study of this name
    others: list[Seen] = field(default_factory=list)  # runs of another study of this name
    mirrored: dict[int, TrialRecord] = field(default_factory=dict)  # records that MLflow has in full
    deleted: int = 0

    @property
    def own(self) -> list[Seen]:
        """The study's own runs."""
        return [*self.trials.values(), *([self.study] if self.study else [])]

    def sort(self, runs: Iterable[Seen], identity: str | None) -> list[Seen]:
        """Put each run into its place. Returns the duplicates among the study's own; the first of each stays."""
        duplicates = []
        for seen in runs:
            if not is_signed(seen, identity):
                (self.unsigned if is_unsigned(seen) else self.others).append(seen)
            elif not self._is_placed(seen):
                duplicates.append(seen)
        return duplicates

    def adopt(self, contents: Mapping[int, RunContent], study: RunContent) -> list[Seen]:
        """Take over the runs of an earlier version that are certainly this study's. The others may be anybody's.

        A trial's run is recognized by its number, start and params; the study's run by its trials or its params.

        Args:
            contents: The contents of the trials whose numbers are in `unsigned`.

        Returns:
            The duplicates.
        """
        rest, parents, duplicates = [], set(), []
        for seen in sorted(self.unsigned, key=is_study):
            content = study if is_study(seen) else contents.get(trial_number(seen) or 0)
            is_ours = content is not None and not is_another(content, seen)
            if is_study(seen):
                is_ours = seen.run_id in parents or (is_ours and self.study is None)
            if not is_ours:
                rest.append(seen)
                continue
            parents.add(seen.tags.get(PARENT_TAG, ""))
            if not self._is_placed(seen):
                duplicates.append(seen)
        self.unsigned = rest
        return duplicates

    def _is_placed(self, seen: Seen) -> bool:
        """Put a run into its place. False if that is taken."""
        number = trial_number(seen)
        if number is None:
            taken, self.study = self.study is not None, self.study or seen
        else:
            taken = number in self.trials
            self.trials.setdefault(number, seen)
        return not taken
