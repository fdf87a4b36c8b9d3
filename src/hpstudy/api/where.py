"""Where things are kept, and what to change in a study: keyword arguments with the names of the flags."""

from __future__ import annotations

import os
from os import PathLike
from typing import TypedDict

from hpstudy.settings import Settings


class Where(TypedDict, total=False):
    """Where things are kept. What is missing comes from the environment, the config file or the defaults."""

    home: str | PathLike[str] | None  # the folder in which everything is kept
    storage: str | None  # the study database, an SQLAlchemy URL
    tracking_uri: str | None  # the tracker's address; "none": there is no tracker
    data_dir: str | PathLike[str] | None  # where your datasets lie


class Changes(TypedDict, total=False):
    """What to change in a declared study."""

    trials: int | None  # a different budget for a Search, or for each search of a Compare
    replicates: int | None  # a different number of replicates for a Grid or a Compare
    epochs: int | None  # a different number of epochs for every trial
    quick: bool  # a quick trial run: few epochs, rows and trials, recorded as NAME-quick


class Options(Where, Changes, total=False):
    """Where things are kept, and what to change in a study."""


def settings_of(options: Where) -> Settings:
    """Raises UserError as `Settings.load` does, and TypeError for a keyword that no function of the face knows."""
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(
            f"hpstudy has no keyword argument {min(unknown)!r}; it has {', '.join(Options.__annotations__)}."
        )
    given = {name: options.get(name) for name in Where.__annotations__}
    return Settings.load({name: None if value is None else os.fspath(value) for name, value in given.items()})  # type: ignore[call-overload]
