"""A report on disk. It is written under a temporary name first, so that no reader finds half a file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from hpstudy.errors import HpstudyError, UserError
from hpstudy.report.document import Document
from hpstudy.report.render.html import to_html
from hpstudy.report.render.markdown import to_markdown
from hpstudy.report.render.pictures import pictures

Format = Literal["html", "md", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)


def write_report(report: Document, folder: Path, formats: Sequence[Format] = ("html", "md")) -> list[Path]:
    """Write `report.html`, `report.md` or `report.json` into a folder, which is created.

    Raises:
        HpstudyError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / f"report.{form}", render(report, form)) for form in formats]
    except OSError as error:
        raise HpstudyError(
            f"The report cannot be written to {folder}: {error.strerror}. Choose another folder with -o DIR."
        ) from None


def write_figures(report: Document, folder: Path) -> list[Path]:
    """Write every figure as an SVG of its own, for slides; the names have the order of the report and its titles.

    Raises:
        HpstudyError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / name, svg) for name, svg in pictures(report).items()]
    except OSError as error:
        raise HpstudyError(
            f"The figures cannot be written to {folder}: {error.strerror}. Choose another one."
        ) from None


def save_report(report: Document, path: Path) -> Path:
    """Write a report in the form that the name's ending says, and return the path.

    Raises:
        UserError: the name ends neither in .html nor .md nor .json.
        HpstudyError: the file cannot be written.
    """
    form = next((form for form in FORMATS if path.suffix.lower() == f".{form}"), None)
    if form is None:
        raise UserError(f"A report is saved as .html, .md or .json; the name is {str(path)!r}.")
    try:
        return _write(path, render(report, form))
    except OSError as error:
        raise HpstudyError(f"The report cannot be written to {path}: {error.strerror}. Choose another place.") from None


def render(report: Document, form: Format) -> str:
    if form == "json":
        return json.dumps(report.data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return to_html(report) if form == "html" else to_markdown(report)


def _write(path: Path, text: str) -> Path:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, "utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
