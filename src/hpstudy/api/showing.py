"""What was understood of a study's dataset, and the draft of a study of one's own table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.where import Where, settings_of
from hpstudy.plain import one_line
from hpstudy.study.own import Own
from hpstudy.study.spec import Study
from hpstudy.study.table import Table

if TYPE_CHECKING:
    from hpstudy.api.notes import Notifier
    from hpstudy.data.overview import Overview
    from hpstudy.settings import Settings

_DRAFT = '''"""Which optimizer and learning rate predict {title} best?

A paragraph here becomes the description of the study, wherever it is shown.
"""

from hpstudy import Choice, Grid, Study, Table

study = Study(
    name={name},
    # {rows:,} rows, {predicted}; `hpstudy data show {path}` shows every column
    dataset=Table(
        {file},
        target={target},{task}{unlabelled}
        # left out without being told: {left_out}
        # drop=("a column",), numeric=("…",), categorical=("…",), text=("…",),
        # test="later.csv", group="customer", time="day",  # how rows are split; without these, at random
    ),{objective}
    # what all trials share; docs/factors.md lists every factor and its default
    base=dict(depth=1, units=32, activation="relu", batch_size=32, epochs=20),
    # what the study is about
    vary=dict(
        optimizer=Choice("momentum", "adam"),
        learning_rate=Choice(0.001, 0.01, 0.1),
    ),
    # every combination, three times with different seeds: 2 x 3 x 3 = 18 trials
    design=Grid(replicates=3),
)
'''
_UNEVEN = """
    objective="val_balanced_accuracy",  # accuracy says little, as one class is more than twice another"""
_SHOWN = 10  # classes


def show(study: Study, where: Where) -> tuple[Study, Overview]:
    """The study with the content of its file, and what was understood of its dataset.

    Raises:
        UserError: the file cannot be used; the message says why.
    """
    from hpstudy import data

    settings = settings_of(where)
    if isinstance(study.dataset, Own):
        study = study.on(data.resolved(study.dataset, settings))
    return study, overview_of(study, settings)


def overview_of(study: Study, settings: Settings) -> Overview:
    """What was understood of a study's dataset, as its first replicate has it."""
    from hpstudy.data.overview import overview

    return overview(study.dataset, study.config({}), study.seed, settings, study.splits)


def warn_of(study: Study, settings: Settings, notifier: Notifier) -> None:
    """Say which columns of a user's own table are left out, and what may be wrong with the rows."""
    if not isinstance(study.dataset, Own):
        return
    found = overview_of(study, settings)
    left_out = _left_out(found)
    if left_out:
        notifier.remark(f"Left out of {study.dataset.path}: {', '.join(left_out)}.")
    if study.dataset_info.default_metric and not study.declares_objective:
        notifier.remark(
            f"The objective is {study.dataset_info.default_metric}, as one class of {study.dataset.path} has more than "
            "twice the rows of another; Study(objective=…) declares another."
        )
    for warning in found.warnings:
        notifier.warn(warning)


def draft(name: str, file: str, target: str, where: Where) -> str:
    """The text of a study file for a table, which can be run as it is.

    Raises:
        UserError: the file cannot be used; the message says why.
    """
    from hpstudy import data
    from hpstudy.data.overview import overview
    from hpstudy.data.own import first_look
    from hpstudy.study.objective import MOST_UNEVEN

    settings = settings_of(where)
    table, lacking = first_look(Table(file, target=target, drop_missing_target=True, folder=Path.cwd()), settings)
    table = data.resolved(table, settings)
    found = overview(table, {}, 42, settings)
    rows = [sum(parts.values()) for parts in found.classes.values()]
    left_out = _left_out(found)
    return _DRAFT.format(
        name=_literal(name),
        file=_literal(file),
        target=_literal(target),
        title=one_line(target).replace('"', "'").replace("\\", "/"),
        path=f"{name}.py",
        rows=sum(found.parts.values()),
        predicted=f"classes {_listed(list(found.classes))}" if rows else "whose numbers are predicted",
        task="" if rows else '\n        task="regression",  # numbers; without this line, each would be a class',
        left_out=one_line(", ".join(left_out) or "nothing"),
        unlabelled=f"\n        drop_missing_target=True,  # {lacking:,} rows have none" if lacking else "",
        objective=_UNEVEN if rows and max(rows) > MOST_UNEVEN * min(rows) else "",
    )


def _left_out(found: Overview) -> list[str]:
    left_out = [column for column in found.columns if column.use == "left out"]
    return [f"{column.name or 'the one without a name'} ({column.detail})" for column in left_out]


def _listed(classes: list[str]) -> str:
    return one_line(", ".join(classes[:_SHOWN]) + (", …" if len(classes) > _SHOWN else ""))


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
