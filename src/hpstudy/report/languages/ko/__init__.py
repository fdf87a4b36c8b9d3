"""Korean."""

from __future__ import annotations

from collections.abc import Mapping

from hpstudy.report.languages.ko import answer, captions, details, methods

SENTENCES: Mapping[str, str] = {
    **answer.SENTENCES,
    **details.SENTENCES,
    **captions.SENTENCES,
    **methods.SENTENCES,
}
