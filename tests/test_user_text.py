"""Names and levels are any text. Wherever they are shown they stay text: no markup, no orders, no formulas."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from factories import make_grid_records, make_record, make_settings, make_study
from hpstudy import Choice, Grid
from hpstudy.api import tables
from hpstudy.api.notes import Printer
from hpstudy.api.picture import Picture, terminal_screen
from hpstudy.api.view import TrialLines
from hpstudy.cli import main
from hpstudy.cli.terminal import echo
from hpstudy.owner import Owner
from hpstudy.plain import markdown, one_line, printable
from hpstudy.report.build import build_report
from hpstudy.report.render.files import render as written
from hpstudy.report.render.pictures import pictures
from hpstudy.report.whole import Report
from hpstudy.storage import Outcome, Progress, Store
from hpstudy.tracking.mlflow.contents import description
from hpstudy.worker.messages import Claimed, Ended

# level → how it looks in one line
LEVELS = {
    "[relu]": "[relu]",
    "[/red]": "[/red]",
    ":smile:": ":smile:",
    "$x$ $": "$x$ $",
    "<i>a</i>": "<i>a</i>",
    "a|b*c`d": "a|b*c`d",
    "\x1b[2J\x07": r"\x1b[2J\x07",
    "_under_": "_under_",
    "&amp;": "&amp;",
    "url(#a)": "url(#a)",
    "#010203": "#010203",  # stands for a colour of the page while a figure is drawn
    "\u202eabc": r"\u202eabc",
    "two\nlines": r"two\nlines",
}
FACTORS = {"C": Choice(*LEVELS), 'lambda $a$ "<b>': Choice("[bold]", None), "seed": Choice(1), "Größe +1": Choice(2)}
STUDY = make_study(name="text", vary=FACTORS, base={"epochs": 3}, network_digest="a digest", design=Grid(replicates=2))


class Page(HTMLParser):
    """Text and tags as a browser takes them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, frozenset[str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, frozenset(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f"{data}\n"


@pytest.fixture(scope="module")
def report() -> Report:
    return build_report(STUDY, make_grid_records(STUDY))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study in the database."""
    home = tmp_path_factory.mktemp("home")
    store = Store(make_settings(home).storage)
    queue = store.register(STUDY)
    while claim := queue.claims.claim(Owner.of_process()):
        value = 0.5 + 0.01 * (claim.start.cell or 0) + 0.001 * claim.start.replicate
        claim.complete(Outcome(metrics={"val_accuracy": value}, history=make_record(epochs=2).history, provenance={}))
    store.close()
    return home


@pytest.mark.parametrize("command", [("report", "text"), ("best", "text"), ("show", "text", "0"), ("status", "text")])
def test_a_terminal_shows_levels_as_they_are(home: Path, command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*command, "--home", str(home)])

    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
    shown = list(LEVELS.values())[:-1] if command[0] == "report" else []
    assert [level for level in shown if level not in result.output] == []
    assert "[bold]" in result.output or command[0] in ("best", "status")


def test_the_table_and_the_lines_of_a_run_show_levels_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    tables.console().print(tables.result_table(STUDY, make_grid_records(STUDY)))
    view: Any = TrialLines(STUDY, Console())  # whatever console it is given
    for number, level in enumerate(LEVELS):
        view.hear(None, Claimed(trial=number, params={"C": level}))
        view.hear(None, Ended(trial=number, state="failed", error=f"no {level!s}"))
    with terminal_screen(tables.console()) as screen:
        progress = Progress(budget=4, complete=1, pruned=0, failed=0, running=0, lost=0, most=4)
        Picture(STUDY, screen, Printer()).tick(
            progress, [], make_record(params={"C": "[/red]:smile:\x1b[2J"}), "[/red]"
        )
    echo("an error of \x1b[1mKeras\x1b[0m and \x1b]0;title\x07")

    output = capsys.readouterr().out
    table, _, lines = output.partition("trial 0 failed")
    assert [level for level in list(LEVELS.values())[:-1] if level not in table] == []
    assert [level for level in LEVELS.values() if f"failed: C={level}" not in f"trial 0 failed{lines}"] == []
    assert r"an error of Keras and \x1b]0;title\x07" in output
    assert "\x1b" not in output.replace("\x1b[?25", "")  # but for the cursor, which the live view hides


def test_a_problem_is_said_once_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    view = TrialLines(STUDY, tables.console())
    progress = Progress(budget=4, complete=0, pruned=0, failed=0, running=0, lost=0, most=4)
    for problem in (None, "MLflow is away.", "MLflow is still away.", None, "MLflow is away again."):
        view.tick(progress, [], None, problem)

    assert capsys.readouterr().out.splitlines() == ["Warning: MLflow is away.", "Warning: MLflow is away again."]


def test_a_page_has_levels_as_text_and_no_tag_of_theirs(report: Report) -> None:
    vary = {
        "optimizer": Choice("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"),
        "initializer": Choice("zeros"),
    }
    study = make_study(vary={**vary, "activation": Choice("relu", "tanh")}, base={})
    plain = build_report(study, make_grid_records(study))

    page, other = Page(written(report, "html")), Page(written(plain, "html"))

    assert [level for level in LEVELS.values() if level.replace(r"\n", "\n") not in page.text] == []
    assert {*page.tags} <= {*other.tags}
    assert "\x1b" not in page.text


def test_figures_are_xml_that_names_levels_without_formulas(report: Report) -> None:
    texts: set[str] = set()
    for svg in pictures(report).values():
        texts |= {"".join(node.itertext()) for node in ET.fromstring(svg).iter() if node.tag.endswith("text")}

    assert [level for level in LEVELS.values() if level not in texts] == []
    assert 'lambda $a$ "<b> [bold]' in texts


def test_markdown_has_levels_as_text(report: Report) -> None:
    page, note = written(report, "md"), description(STUDY)

    for text in (page, note):
        tables = [line for line in text.splitlines() if line.startswith("|")]
        assert not any("<i>" in line or "<b>" in line or "\x1b" in line for line in tables)
        assert r"a\|b\*c\`d" in text
    columns = {line.replace(r"\|", "").count("|") for line in note.splitlines() if line.startswith("|")}
    assert columns == {3}


def test_each_kind_of_place_keeps_what_it_can_show() -> None:
    assert printable("a\tb\n\x00\ud800") == "a\tb\n\\x00\\ud800"
    assert one_line("a\tb\n한국어 🙂") == r"a\tb\n한국어 🙂"
    assert markdown("[a](b) 5 $ and AT&T") == r"[a]\(b) 5 $ and AT&T"
    assert markdown("$a$ &lt; a_b") == r"&#36;a&#36; &amp;lt; a\_b"
