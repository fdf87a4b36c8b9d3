"""What in MLflow is a study's own. Pure: names are shared, so ownership is told by tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.tracking.mlflow.contents import ID_TAG, NOTE_TAG, ROLE_TAG, STUDY_TAG, TABLE_HEAD, TRIAL_TAG
from hpstudy.tracking.mlflow.differences import Seen

DEFAULT_EXPERIMENT = "0"  # MLflow's own, which is to be there always
OTHERS_RUNS = "it also holds runs that are not this study's"


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The experiment of a study's name."""

    experiment_id: str
    is_active: bool  # not deleted
    is_made_here: bool  # by this study's mirror, not by a person or for another study of this name


def is_signed(seen: Seen, identity: str | None) -> bool:
    """Whether this study made the run. Without an identity it has made those that name none."""
    return seen.tags.get(ID_TAG) == identity and (is_study(seen) or trial_number(seen) is not None)


def is_unsigned(seen: Seen) -> bool:
    """Whether the run was made by a version that did not tell studies of one name apart."""
    return is_signed(seen, None)


def is_study(seen: Seen) -> bool:
    return seen.tags.get(ROLE_TAG) == "study"


def trial_number(seen: Seen) -> int | None:
    """None if the run is no trial's."""
    text = seen.tags.get(TRIAL_TAG, "")
    return int(text) if seen.tags.get(ROLE_TAG) == "trial" and text.isdecimal() else None


def signature(identity: str | None) -> dict[str, str]:
    """The tags that tell studies of one name apart."""
    return {ID_TAG: identity} if identity else {}


def is_made_by(tags: Mapping[str, str], study: str, identity: str | None) -> bool:
    """Whether an experiment was made for this study. One of an earlier version is known by its description."""
    if STUDY_TAG in tags:
        return tags[STUDY_TAG] == study and tags.get(ID_TAG) in (None, identity)
    return TABLE_HEAD in tags.get(NOTE_TAG, "")
