"""The modules beside a study file, which it may import whenever its functions run."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType


class Neighbours:
    """The modules in some folders, which are importable after the standard library and the installed packages.

    A process has the neighbours of one study file at a time, so that two studies may each have a `layers.py`. Not
    thread-safe.
    """

    _entered: Neighbours | None = None

    def __init__(self, folders: tuple[str, ...]) -> None:
        self._folders = folders
        self._added: list[str] = []  # folders added to `sys.path`; only their modules are neighbours
        self._modules: dict[str, ModuleType] = {}  # those imported so far, by name, while others are entered
        self._others: set[str] = set()  # names of modules that had been imported before these were entered

    @staticmethod
    def of(path: Path) -> Neighbours:
        """Those of a study file: in its folder, in that of a symbolic link's target, and in the current folder."""
        folders = (path.absolute().parent, path.resolve().parent, Path.cwd())
        return _in_folders(tuple(dict.fromkeys(map(str, folders))))

    def enter(self) -> None:
        """Make these modules importable instead of those that were entered before."""
        if Neighbours._entered is not self:
            if Neighbours._entered:
                Neighbours._entered._leave()
            Neighbours._entered = self
            self._others = set(sys.modules)
            sys.modules.update(self._modules)
            importlib.invalidate_caches()  # files may have been written a moment ago
        missing = [folder for folder in self._folders if folder not in sys.path]
        self._added += missing
        sys.path += missing

    def _leave(self) -> None:
        own = {name for name in sys.modules.keys() - self._others if "." not in name and self._holds(name)}
        self._modules = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in own}
        for name in self._modules:
            del sys.modules[name]
        sys.path[:] = [place for place in sys.path if place not in self._added]
        self._added.clear()

    def _holds(self, name: str) -> bool:
        spec = getattr(sys.modules[name], "__spec__", None)
        places = [*(spec.submodule_search_locations or ()), spec.origin or ""] if spec else []
        return any(os.path.dirname(place) in self._added for place in places)  # noqa: PTH120 - asked of every module


@functools.cache
def _in_folders(folders: tuple[str, ...]) -> Neighbours:
    """Studies in the same folder share its modules."""
    return Neighbours(folders)
