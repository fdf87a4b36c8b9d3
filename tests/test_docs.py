"""What the documents say is so: every command, factor, variable and link."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from hpstudy import settings
from hpstudy.cli import COMMANDS
from hpstudy.study import factors, metrics, sampling
from hpstudy.study.catalog import DATASETS
from hpstudy.study.studyfile import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FACTORS = (ROOT / "docs" / "factors.md").read_text()
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    assert f"`hpstudy {command}" in README


@pytest.mark.parametrize("name", [*factors.FACTORS, *DATASETS, *sampling.SAMPLERS, *sampling.PRUNERS, *metrics.METRICS])
def test_the_factors_page_names_everything_a_study_can_say(name: str) -> None:
    assert f"`{name}`" in FACTORS


@pytest.mark.parametrize(
    "level",
    [
        *factors.OPTIMIZERS,
        *get_args(factors.Schedule),
        *factors.INITIALIZERS,
        *factors.ACTIVATIONS,
        *get_args(factors.Augmentation),
        *get_args(factors.ClassWeight),
    ],
)
def test_the_factors_page_names_every_level(level: str) -> None:
    assert f"`{level}`" in FACTORS


def test_the_readme_names_every_variable() -> None:
    source = Path(settings.__file__).read_text()
    for variable in set(re.findall(r"HPSTUDY_[A-Z_]+[A-Z]", source)):
        assert variable in README


@pytest.mark.parametrize("text", [README, FACTORS], ids=["README", "factors"])
def test_the_first_study_in_a_page_is_right(text: str, tmp_path: Path) -> None:
    file = tmp_path / "study.py"
    file.write_text(next(block for block in python_blocks(text) if "study = Study(" in block))
    assert load(file).study.budget > 0


def test_the_study_in_the_readme_is_the_one_that_the_demo_runs(tmp_path: Path) -> None:
    file = tmp_path / "study.py"
    file.write_text(python_blocks(README)[0])
    assert load(file).study == load(ROOT / "studies" / "optimizers.py").study


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
