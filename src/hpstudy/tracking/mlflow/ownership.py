"""What in MLflow belongs to a study. Pure: names may be shared, so tags show the ownership."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.tracking.mlflow.contents import ID_TAG, NOTE_TAG, ROLE_TAG, STUDY_TAG, TABLE_HEAD, TRIAL_TAG
from hpstudy.tracking.mlflow.differences import Seen

DEFAULT_EXPERIMENT = "0"  # MLflow's own, which must always exist
OTHERS_RUNS = "it also holds runs that are not this study's"


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The experiment with a study's name."""

    experiment_id: str
    is_active: bool  # not deleted
    is_made_here: bool  # created by this study's mirror, not by a person or for another study of this name
    shared_view: str | None = None  # how its page opens, as this study's mirror has tagged it


def is_signed(seen: Seen, identity: str | None) -> bool:
    """Whether this study created the run. Without an identity, the runs that carry none are the study's."""
    return seen.tags.get(ID_TAG) == identity and (is_study(seen) or trial_number(seen) is not None)


def is_unsigned(seen: Seen) -> bool:
    """Whether the run was created by a version that did not distinguish studies of the same name."""
    return is_signed(seen, None)


def is_study(seen: Seen) -> bool:
    return seen.tags.get(ROLE_TAG) == "study"


def trial_number(seen: Seen) -> int | None:
    """The number of the run's trial; None if the run does not belong to a trial."""
    text = seen.tags.get(TRIAL_TAG, "")
    return int(text) if seen.tags.get(ROLE_TAG) == "trial" and text.isdecimal() else None


def signature(identity: str | None) -> dict[str, str]:
    """The tags that distinguish studies of the same name."""
    return {ID_TAG: identity} if identity else {}


def is_made_by(tags: Mapping[str, str], study: str, identity: str | None) -> bool:
    """Whether an experiment was created for this study. One of an earlier version is recognized by its description."""
    if STUDY_TAG in tags:
        return tags[STUDY_TAG] == study and tags.get(ID_TAG) in (None, identity)
    return TABLE_HEAD in tags.get(NOTE_TAG, "")
