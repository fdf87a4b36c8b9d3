"""docs/benchmarks.md and the figures of docs/scaling.md, from the newest results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, Row, Side

DOCS = Path(__file__).parents[1] / "docs"
_BEGIN, _END = "<!-- results -->", "<!-- end of results -->"


def write_pages(docs: Path = DOCS, results: Path = RESULTS) -> None:
    """Put the newest table between the marks of benchmarks.md in `docs`, and draw every curve."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(results.glob("*.json"))]
    if not found:
        return
    _put(docs / "benchmarks.md", _results(found))
    figures = [
        (part["part"], _draw(docs / "images" / f"bench-{part['part']}-{name}.svg", curve), curve)
        for part in found
        for name, curve in part["curves"].items()
    ]
    if growth := [(file, curve) for part, file, curve in figures if part == "growth"]:
        _put(docs / "scaling.md", "\n\n".join(_figure(file, curve) for file, curve in growth))


def _put(page: Path, results: str) -> None:
    """Replace what stands between the marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    page.write_text(f"{before}{_BEGIN}\n{results}\n{_END}{after}", encoding="utf-8")


def _figure(file: str, curve: dict[str, Any]) -> str:
    """The picture, and its numbers for those who want them."""
    lines = [
        f"{label}: " + ", ".join(f"{x:,} → {y:,.4g}" for x, y in points) for label, points in curve["lines"].items()
    ]
    title = f"{curve['title']}, {curve['ylabel']} by {curve['xlabel']}"
    return f"![{title}](images/{file})\n\n{title}: {'; '.join(lines)}."


def _results(found: list[dict[str, Any]]) -> str:
    lines = ["| what | hpstudy | beside | goal | reached | |", "|---|---|---|---|---|---|"]
    lines += [_line(row_of(values)) for part in found for values in part["rows"]]
    lines += ["", *_notes(found), "", *_machines(found)]
    return "\n".join(lines)


def row_of(values: dict[str, Any]) -> Row:
    """A row as it was saved."""
    sides = {"ours": _side(values["ours"]), "theirs": _side(values["theirs"]) if values["theirs"] else None}
    return Row(**{**values, **sides, "others": [_side(other) for other in values["others"]]})


def _side(values: dict[str, Any]) -> Side:
    return Side(**values)


def _line(row: Row) -> str:
    peers = [side for side in (row.theirs, *row.others) if side]
    beside = "; ".join(f"{side.name}: {_value(side)}" for side in peers) or "–"
    mark = {True: "yes", False: "**no**", None: "–"}[row.met]
    return f"| {row.what} | {_value(row.ours)} | {beside} | {row.goal} | {row.reached} | {mark} |"


def _value(side: Side) -> str:
    accuracy = f", accuracy {side.accuracy:.4f}" if side.accuracy is not None else ""
    return f"{side}{accuracy}"


def _notes(found: list[dict[str, Any]]) -> Iterator[str]:
    for part in found:
        for note in dict.fromkeys([*part["notes"], *(note for row in part["rows"] for note in row["notes"])]):
            yield f"- {part['part']}: {note}"


def _machines(found: list[dict[str, Any]]) -> Iterator[str]:
    """Each machine and set of versions once, with the parts that were measured there."""
    seen: dict[str, list[str]] = {}
    for part in found:
        machine = {name: value for name, value in part["machine"].items() if name != "load_before"}
        versions = ", ".join(f"{name} {version}" for name, version in part["versions"].items())
        text = (
            f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, "
            f"Python {machine['python']}; {versions}"
        )
        seen.setdefault(text, []).append(f"{part['part']} ({part['at'][:10]}, {part['took_s']:.0f} s)")
    for text, parts in seen.items():
        yield f"Measured on {text}: {', '.join(parts)}."


def _draw(file: Path, curve: dict[str, Any]) -> str:
    """Draw one figure and return its file's name: `lines` is name → points, each (x, y)."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = file.stem  # the same numbers give the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    for label, points in curve["lines"].items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=label)
    axes.set(xlabel=curve["xlabel"], ylabel=curve["ylabel"], title=curve["title"], ylim=(0, None))
    if len(curve["lines"]) > 1:
        axes.legend()
    axes.grid(alpha=0.3)
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
    return file.name
