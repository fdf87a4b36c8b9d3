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

import hpstudy.report
from factories import make_grid_records, make_study
from hpstudy import Choice, Grid
from hpstudy.cli import main
from hpstudy.report.build import build_report
from hpstudy.report.languages import LANGUAGES, speaking
from hpstudy.report.render.files import render

REPORT = Path(hpstudy.report.__file__).parent
OTHERS = [language for language in LANGUAGES if language != "en"]
HANGUL = re.compile(r"[가-힣]")


def calls(*names: str) -> Iterator[ast.Call]:
    for file in REPORT.rglob("*.py"):
        if file.parent.name != "languages":
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    yield node


def texts(node: ast.expr | None) -> list[str]:
    elements = node.elts if isinstance(node, ast.Tuple) else [node]
    found = [one.value for one in elements if isinstance(one, ast.Constant)]
    return [text for text in found if isinstance(text, str)]


def english() -> set[str]:
    """Every sentence of the source that is said, with the headings and columns that are texts."""
    said = {text for call in calls("say", "word") for text in texts(call.args[0])}
    keywords = [keyword for call in calls("Section", "Table") for keyword in call.keywords]
    return said | {text for one in keywords if one.arg in ("title", "columns") for text in texts(one.value)}


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_sentence_with_its_values(language: str) -> None:
    sentences = importlib.import_module(f"hpstudy.report.languages.{language}").SENTENCES

    assert english() - sentences.keys() == set()
    assert [text for text, told in sentences.items() if places(text) != places(told)] == []


def test_what_is_said_stands_in_the_source_as_one_text() -> None:
    assert [ast.unparse(call) for call in calls("say") if not texts(call.args[0])] == []


def test_a_report_in_korean_answers_in_korean_and_has_the_same_numbers() -> None:
    study = make_study(vary={"optimizer": Choice("sgd", "adam"), "depth": Choice(1, 2)}, design=Grid(replicates=3))
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
    assert [section.title for section in korean.sections if not HANGUL.search(section.title)] == []


def test_a_language_that_is_not_there_is_refused() -> None:
    result = CliRunner().invoke(main, ["report", "any", "--lang", "tlh"])

    assert result.exit_code == 2
    assert "'en', 'ko'" in result.output
