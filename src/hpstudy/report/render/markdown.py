"""A report as Markdown: findings and tables, for MLflow's description, a wiki or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.report.document import Number, Report, Section, Table


def to_markdown(report: Report) -> str:
    return "\n".join(_lines(report)).strip() + "\n"


def findings_markdown(report: Report) -> str:
    """The status and the findings alone."""
    return f"{_safe(report.status)}\n\n" + "\n".join(f"- {_safe(finding)}" for finding in report.findings)


def _lines(report: Report) -> Iterator[str]:
    yield f"# {_safe(report.title)}\n"
    if report.question:
        yield f"{_safe(report.question)}\n"
    yield f"{findings_markdown(report)}\n"
    yield "| | |\n|---|---|"
    yield from (f"| {_safe(name)} | {_safe(text)} |" for name, text in report.facts)
    for section in report.sections:
        yield from _section(section)
    yield "\n## Methods\n"
    yield from (f"- **{_safe(name)}**: {_safe(text)}" for name, text in report.methods)


def _section(section: Section) -> Iterator[str]:
    if not section.tables and not section.text:
        return
    yield f"\n## {_safe(section.title)}\n"
    yield from (f"{_safe(text)}\n" for text in section.text)
    for table in section.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"\n### {_safe(table.title)}\n"
    yield f"| {' | '.join(map(_safe, table.columns))} |"
    yield "|" + "|".join("---:" if is_numeric(table, place) else "---" for place in range(len(table.columns))) + "|"
    for row in table.rows:
        yield f"| {' | '.join('–' if cell is None else _safe(str(cell)) for cell in row)} |"
    if table.caption:
        yield f"\n{_safe(table.caption)}\n"


def is_numeric(table: Table, place: int) -> bool:
    """Whether a column holds numbers only."""
    cells = [row[place] for row in table.rows]
    return any(isinstance(cell, Number) for cell in cells) and not any(isinstance(cell, str) for cell in cells)


def _safe(text: str) -> str:
    """Characters that would make a table, a tag or emphasis of a text."""
    for character in "\\|<*_`":
        text = text.replace(character, f"\\{character}" if character != "<" else "&lt;")
    return text.replace("\n", " ")
