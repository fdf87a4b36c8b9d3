"""A report speaks the reader's language, and every language has every sentence."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from click.testing import CliRunner

import hpstudy
from factories import make_grid_records, make_study
from hpstudy import Choice, Grid
from hpstudy.cli import main
from hpstudy.report.build import build_report
from hpstudy.report.document import Section
from hpstudy.report.languages import LANGUAGES, speaking
from hpstudy.report.methods import GRID_METHODS, INSIDE_METHODS, PUBLISHED_METHOD, SEARCH_METHODS
from hpstudy.report.render.files import render

SOURCE = Path(hpstudy.__file__).parent
OTHERS = [language for language in LANGUAGES if language != "en"]
HANGUL = re.compile(r"[가-힣]")


def calls(*names: str) -> Iterator[ast.Call]:
    for file in (*(SOURCE / "report").rglob("*.py"), SOURCE / "api" / "tables.py"):
        if "languages" not in file.parts:
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("texts.") in names:
                    yield node


def texts(node: ast.expr | None) -> list[str]:
    elements = node.elts if isinstance(node, ast.Tuple) else [node]
    found = [one.value for one in elements if isinstance(one, ast.Constant)]
    return [text for text in found if isinstance(text, str)]


def english() -> set[str]:
    """Every sentence of the source that is said, headings, columns and captions that are texts, nouns, and methods."""
    said = {text for call in calls("say", "word") for text in texts(call.args[0])}
    keywords = [keyword for call in calls("Section", "Table", "Figure") for keyword in call.keywords]
    shown = ("title", "columns", "caption", "text")
    said |= {text for one in keywords if one.arg in shown for text in texts(one.value)}
    nouns = {text for call in calls("counted") for arg in call.args[1:] for text in texts(arg)}
    methods = {text for pair in (*GRID_METHODS, *SEARCH_METHODS, PUBLISHED_METHOD, *INSIDE_METHODS) for text in pair}
    return said | nouns | {f"{noun}s" for noun in nouns} | methods


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_sentence_with_its_values(language: str) -> None:
    sentences = importlib.import_module(f"hpstudy.report.languages.{language}").SENTENCES

    assert english() - sentences.keys() == set()
    assert [text for text, told in sentences.items() if not places(told) <= places(text)] == []


def test_what_is_said_stands_in_the_source_as_one_text() -> None:
    assert [ast.unparse(call) for call in calls("say") if not texts(call.args[0])] == []


def test_a_report_in_korean_answers_in_korean_and_has_the_same_numbers() -> None:
    study = make_study(vary={"loss": Choice("mse", "cross_entropy"), "depth": Choice(1, 2)}, design=Grid(replicates=3))
    records = make_grid_records(study)
    with speaking("ko"):
        korean = build_report(study, records)
    plain = build_report(study, records)

    assert [line for line in korean.findings if not HANGUL.search(line)] == []
    assert not HANGUL.search("".join(plain.findings))
    numbers = [re.findall(r"\d\.\d+", " ".join(report.findings)) for report in (korean, plain)]
    assert numbers[0] == numbers[1]
    page = render(korean, "html")
    assert '<html lang="ko">' in page
    assert "<h2>결과</h2>" in page
    assert korean.sections[0].tables[0].columns[:2] == ("loss", "depth")  # names of the study file stay
    shown = [part for section in korean.sections for part in (section, *section.tables, *section.figures)]
    assert [part.title for part in shown if not HANGUL.search(part.title)] == []
    captions = [part.caption for part in shown if not isinstance(part, Section)]
    spoken = (*korean.details, *captions, *(how for _, how in korean.methods))
    assert [text for text in spoken if not HANGUL.search(text)] == []


def test_a_language_that_is_not_there_is_refused() -> None:
    result = CliRunner().invoke(main, ["report", "any", "--lang", "tlh"])

    assert result.exit_code == 2
    assert "'en', 'ko'" in result.output
