"""The differences between two declarations, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """A line for each place at which two JSON values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            inner = f"{path}.{key}" if path else key
            if key not in old:
                yield f"{inner}: added, {json.dumps(new[key], ensure_ascii=False)}"
            elif key not in new:
                yield f"{inner}: removed, was {json.dumps(old[key], ensure_ascii=False)}"
            else:
                yield from differences(old[key], new[key], inner)
    elif json.dumps(old) != json.dumps(new):  # True == 1 and 1 == 1.0, but they are different levels
        yield f"{path}: {json.dumps(old, ensure_ascii=False)} → {json.dumps(new, ensure_ascii=False)}"
