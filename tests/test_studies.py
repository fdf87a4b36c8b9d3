"""Every study that ships is right, short, asks a question, and trains on its real dataset."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from data_factories import real_data_dir
from hpstudy import Grid, Table, data
from hpstudy.settings import Settings
from hpstudy.study import overrides
from hpstudy.study.studyfile import load
from hpstudy.training.trainer import Trainer

FOLDER = Path(__file__).parents[1] / "studies"
FILES = sorted(file for file in FOLDER.glob("*.py") if file.stem != "published")  # that is in test_published.py
NAMES = {
    *("quickstart", "optimizers", "initializers", "activations", "dropout", "l2", "depth", "losses", "batch_size"),
    *("augmentation", "scaling", "titanic", "imdb", "search", "logic_gates", "optimizers_tuned", "titanic_tuned"),
    *("own_table", "regression"),
}


def test_every_promised_study_ships() -> None:
    assert {file.stem for file in FILES} >= NAMES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_study_asks_its_question_in_a_short_file(file: Path) -> None:
    study = load(file).study
    assert study.name == file.stem
    assert "?" in study.question
    assert len(study.question.split()) > 30
    assert len(file.read_text().splitlines()) <= 40


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return Trainer()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_study_trains_on_its_dataset(
    file: Path, trainer: Trainer, settings_for: Callable[[str | Table], Settings]
) -> None:
    """Two of its configurations, scaled down as by --quick, on the real data where it is at hand."""
    study = load(file).study
    settings = settings_for(study.dataset)
    if isinstance(study.dataset, Table):
        study = replace(study, dataset=data.resolved(study.dataset, settings))
    study = overrides.quick(study)
    if isinstance(study.design, Grid):
        configurations = [dict(study.cells()[number].params) for number in (0, -1)]
    else:
        domains = study.domains
        ends = [{name: domain.levels[end] for name, domain in domains.items()} for end in (0, -1)]
        configurations = [
            {name: level for name, level in params.items() if domains[name].exists_beside(params)} for params in ends
        ]
    trained = 0
    for params in configurations:
        study.check_params(params)
        config = study.config(params)
        if isinstance(study.dataset, str) and real_data_dir(study.dataset) is None:
            config["train_rows"] = None  # a generated dataset has few rows
        arrays = data.prepare(study.dataset, config, 42, settings)
        epochs = list(itertools.islice(trainer.start(config, 42, arrays), 1))
        trained += bool(epochs)  # a cell that diverges has none, and is an answer, too
    assert trained >= 1
