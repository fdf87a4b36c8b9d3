"""Configurations in a few words, for names of runs and for sentences."""

from __future__ import annotations

from collections.abc import Mapping

from hpstudy.study.domains import Domain
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study

_SHORT_NAMES = {
    "batch_size": "batch",
    "early_stopping": "patience",
    "learning_rate": "lr",
    "num_words": "words",
    "train_rows": "rows",
}


def short_levels(study: Study, params: Mapping[str, Level]) -> list[str]:
    """`["adam", "lr 0.001"]`."""
    return [_level_name(study, name, level) for name, level in params.items()]


def _level_name(study: Study, name: str, level: Level) -> str:
    """Text is clear by itself (`adam`) unless another factor has the same level; a number needs its factor's name."""
    text = study.texts.text(name, level)
    if isinstance(level, str) and level not in ("none", "full"):
        owners = [factor for factor, domain in study.domains.items() if domain.contains(level)]
        if len(owners) == 1:
            return text
    return f"{_short(study.domains, name)} {text}"


def _short(vary: Mapping[str, Domain], name: str) -> str:
    """The field's abbreviation for a built-in factor, unless the study has a factor of that name."""
    short = _SHORT_NAMES.get(name, name)
    return name if short in vary else short
