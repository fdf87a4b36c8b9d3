"""Text from users, shown as it was written, whatever characters it contains.

Names and levels may be any text, and errors come from any library. A terminal, a Markdown page and an XML file read
some characters as commands; here these become text.
"""

from __future__ import annotations

import re

# Terminals obey the control characters of ASCII and Latin-1, and readers obey those that change the direction of
# writing; others of these are illegal in XML or UTF-8.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")  # Keras writes its errors in bold
_UNDERSCORE = re.compile("_")
_OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # inside a word it does not mean emphasis
_ENTITY = re.compile(r"&(?=#?\w+;)")


def printable(text: str) -> str:
    r"""The same text with control characters as Python writes them, such as `\x1b`; lines and tabs stay.

    Sequences that only change the colour are left out.
    """
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], _COLOURS.sub("", text))


def one_line(text: str) -> str:
    r"""Like `printable`, for a cell or a label: a line break is written as `\n`."""
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")


def markdown(text: str, *, github: bool = False) -> str:
    """The text as one line of Markdown: nothing in it can start a table, a tag, a link, a formula or emphasis.

    Args:
        github: Only for GitHub's dialect, which trackers show, too: underscores inside words stay as they are.
    """
    text = _ENTITY.sub("&amp;", printable(text))
    for character in "\\|*`~":
        text = text.replace(character, f"\\{character}")
    text = (_OUTER_UNDERSCORE if github else _UNDERSCORE).sub(r"\_", text)
    text = text.replace("<", "&lt;").replace("](", "]\\(")
    if text.count("$") > 1:
        text = text.replace("$", "&#36;")
    return text.replace("\n", " ")
