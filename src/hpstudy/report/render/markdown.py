"""A report as Markdown: findings and tables, for a tracker's description, a wiki or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.plain import markdown
from hpstudy.report.document import Document, Number, Section, Table
from hpstudy.report.languages import word


def to_markdown(report: Document) -> str:
    return "\n".join(_lines(report)).strip() + "\n"


def findings_markdown(report: Document) -> str:
    """Only the status and the findings."""
    return f"{markdown(report.status)}\n\n" + "\n".join(f"- {markdown(finding)}" for finding in report.findings)


def _lines(report: Document) -> Iterator[str]:
    yield f"# {markdown(report.title)}\n"
    if report.question:
        yield f"{markdown(report.question)}\n"
    yield f"{findings_markdown(report)}\n"
    yield "| | |\n|---|---|"
    yield from (f"| {markdown(name)} | {markdown(text)} |" for name, text in report.declaration)
    if report.details:
        yield f"\n## {word('In detail', report.language)}\n"
        yield from (f"- {markdown(detail)}" for detail in report.details)
    for section in report.sections:
        yield from _section(section)
    yield f"\n## {word('Methods', report.language)}\n"
    yield from (f"- **{markdown(name)}**: {markdown(text)}" for name, text in report.methods)


def _section(section: Section) -> Iterator[str]:
    if not section.tables and not section.text:
        return
    yield f"\n## {markdown(section.title)}\n"
    yield from (f"{markdown(text)}\n" for text in section.text)
    for table in section.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"\n### {markdown(table.title)}\n"
    yield f"| {' | '.join(map(markdown, table.columns))} |"
    yield "|" + "|".join("---:" if is_numeric(table, place) else "---" for place in range(len(table.columns))) + "|"
    for row in table.rows:
        yield f"| {' | '.join('–' if entry is None else markdown(str(entry)) for entry in row)} |"
    if table.caption:
        yield f"\n{markdown(table.caption)}\n"


def is_numeric(table: Table, place: int) -> bool:
    """Whether a column holds only numbers."""
    entries = [row[place] for row in table.rows]
    return any(isinstance(entry, Number) for entry in entries) and not any(isinstance(entry, str) for entry in entries)
