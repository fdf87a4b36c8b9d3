"""The sentences of a report in other languages; each package here has one language, named by its ISO 639 code.

To add a language, copy the folder `ko`, translate what stands right of the colons, and name the code in `LANGUAGES`.
What stands in braces is a value: its place may change, its name may not. A sentence that is left out appears in
English.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

LANGUAGES = ("en", "ko")  # English needs no module
_spoken: ContextVar[str] = ContextVar("hpstudy_language", default="en")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Reports that are built within are in this language."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """The code of the language."""
    return _spoken.get()


def say(template: str, /, **values: object) -> str:
    """A sentence in the reader's language, with its values.

    Args:
        template: The English sentence, with names in braces where the values stand.
    """
    return _sentences(spoken()).get(template, template).format(**values)


def word(text: str, language: str | None = None) -> str:
    """A heading, a status or a caption that has no values."""
    return _sentences(language or spoken()).get(text, text)


def _sentences(language: str) -> Mapping[str, str]:
    if language == "en":
        return {}
    sentences: Mapping[str, str] = importlib.import_module(f"{__name__}.{language}").SENTENCES
    return sentences
