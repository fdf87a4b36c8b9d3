"""The description of the study's run: ours until somebody changes it. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from hpstudy.tracking.mlflow.contents import MODEL_TAG, NOTE_TAG, RunContent
from hpstudy.tracking.mlflow.differences import Seen

_DIGEST_TAG = "hpstudy.note"  # of the description that we last wrote
_SIZES = ("| design |", "| budget |")  # lines of a description that change when a study is extended


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def note_tags(note: str) -> dict[str, str]:
    """The tags for a description, and for recognizing later that it is ours."""
    return {NOTE_TAG: note, _DIGEST_TAG: digest(note)}


def is_ours(seen: Seen, own: str) -> bool:
    """Whether nobody has changed the description of a run.

    Args:
        own: The description without findings, for which an earlier version kept no digest.
    """
    note = seen.tags.get(NOTE_TAG, "")
    return not note or seen.tags.get(_DIGEST_TAG) == digest(note) or _without_sizes(note) == _without_sizes(own)


def successor(content: RunContent, old: Seen) -> RunContent:
    """The study's run that replaces an old one: it keeps the model, and what people wrote."""
    own = ("hpstudy.", "mlflow.")
    kept = {name: text for name, text in old.tags.items() if name.startswith(MODEL_TAG) or not name.startswith(own)}
    fixed = content.fixed_tags
    if not is_ours(old, fixed[NOTE_TAG]):
        fixed = {NOTE_TAG: old.tags[NOTE_TAG]}
    return replace(content, name=old.name, tags={**kept, **content.tags}, fixed_tags=fixed)


def _without_sizes(note: str) -> list[str]:
    return [line for line in note.splitlines() if not line.startswith(_SIZES)]
