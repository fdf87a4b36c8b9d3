"""A report that can be saved to a file and displays itself in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path

from hpstudy.report.document import Document
from hpstudy.report.render.files import save_report
from hpstudy.report.render.html import to_html


@dataclass(frozen=True, kw_only=True)
class Report(Document):
    """A study's report."""

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the whole report to a file: HTML, Markdown or JSON if its name ends in .html, .md or .json.

        Raises:
            UserError: the name has a different ending.
            HpstudyError: the file cannot be written.
        """
        return save_report(self, Path(path))

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that its styles and script do not affect the notebook."""
        style = "width: 100%; height: 80vh; border: 1px solid #8884"
        return f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{escape(to_html(self))}"></iframe>'
