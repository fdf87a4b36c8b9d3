"""Published figures: declared in a study, printed beside ours, and the page that is made of them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from commands import call
from factories import make_evaluation, make_grid_records, make_settings, make_study
from hpstudy import Choice, Float, Grid, Published, Search, Study
from hpstudy.analysis import statistics
from hpstudy.errors import UserError
from hpstudy.records import Evaluation
from hpstudy.report.build import build_report
from hpstudy.report.render.files import render
from hpstudy.report.whole import Report
from hpstudy.storage import Outcome, Owner, Store
from hpstudy.study.overrides import override, quick
from hpstudy.study.studyfile import load_all

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "published.md").read_text()
STUDIES = [file.study for file in load_all(ROOT / "studies" / "published.py")]
FIGURE = Published(optimizer="Adam", value=0.89, metric="val_accuracy", source="a book", note="one training")
TESTED = Published(optimizer="adam", value=0.88, metric="test_accuracy", source="a page")


def make_published(*figures: Published, **changes: object) -> Study:
    """A study of two cells and four replicates."""
    values = {"vary": {"optimizer": Choice("sgd", "adam")}, "base": {}, "design": Grid(replicates=4), **changes}
    return make_study(published=figures, **values)


def report_of(study: Study, evaluation: Evaluation | None = None) -> Report:
    """Of trials whose scores are 0.1 with sgd, and 0.87, 0.88, 0.89 and 0.90 with adam."""
    records = make_grid_records(
        study,
        value=lambda cell, replicate: 0.87 + 0.01 * replicate if cell.params["optimizer"] == "adam" else 0.1,
    )
    return build_report(study, records, figures=False, evaluation=evaluation)


def test_figures_come_back_from_json_and_studies_without_any_are_recorded_as_before() -> None:
    study = make_published(FIGURE, TESTED)
    again = Study.from_json(study.to_json())
    assert again.published == study.published
    assert again.published[0].levels == {"optimizer": "adam"}
    assert again.to_json() == study.to_json()
    assert "published" not in json.loads(make_published().to_json())


REFUSED = {
    "no such metric": (Published(optimizer="adam", value=0.9, metric="val_acc", source="x"), "Did you mean 'val_acc"),
    "no such factor": (Published(optimiser="adam", value=0.9, metric="loss", source="x"), "Did you mean 'optimizer'"),
    "no such level": (Published(optimizer="adma", value=0.9, metric="loss", source="x"), "Did you mean 'adam'"),
    "no level of the study": (Published(optimizer="nadam", value=0.9, metric="loss", source="x"), "in 0 of 2"),
    "no level at all": (Published(value=0.9, metric="loss", source="x"), "Name one level of each factor that varies"),
    "no figure": ("0.9", "published must be Published(…)"),
}


@pytest.mark.parametrize(("figure", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_figure_that_belongs_to_no_cell_is_refused_with_a_way_out(figure: Published, sentence: str) -> None:
    with pytest.raises(UserError) as refusal:
        make_published(figure)
    assert sentence in str(refusal.value)


def test_a_figure_needs_a_number_and_a_source() -> None:
    with pytest.raises(UserError, match="must be a finite number"):
        Published(value="88 %", metric="loss", source="x")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="must say where"):
        Published(value=0.9, metric="loss", source=" ")


def test_a_search_has_figures_of_the_test_split_only() -> None:
    changes = {"vary": {"learning_rate": Float(0.01, 0.1)}, "design": Search(finalists=0, trials=4)}
    assert make_published(Published(value=0.9, metric="test_accuracy", source="x"), **changes).published
    with pytest.raises(UserError, match="metric='test_accuracy' and no levels"):
        make_published(Published(value=0.9, metric="val_accuracy", source="x"), **changes)


def test_figures_belong_to_the_declared_setting() -> None:
    study = make_published(FIGURE, base={"epochs": 3})
    assert quick(study).published == ()
    assert override(study, epochs=1).published == ()
    assert override(study, epochs=3, replicates=5).published == study.published


def test_figures_may_be_added_to_a_study_that_has_trials(tmp_path: Path) -> None:
    store = Store(make_settings(tmp_path).storage)
    store.register(make_published()).claims.claim(Owner.of_process())
    store.register(make_published(FIGURE))
    assert store.open("optimizers").study.published == make_published(FIGURE).published
    with pytest.raises(UserError, match="another declaration"):
        store.register(make_published(FIGURE, design=Grid(replicates=5)))
    store.close()


def test_one_more_training_by_hand() -> None:
    """1, 2, 3: mean 2, s = 1, t(2) = 4.302653, so 2 ± 4.302653 · √(4/3) = 2 ± 4.968276."""
    assert statistics.prediction_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - 4.968276, 2 + 4.968276), abs=1e-5)
    assert statistics.prediction_interval([1.0]) is None


def test_one_more_value_lies_in_the_interval_in_95_percent() -> None:
    values = np.random.default_rng(0).normal(size=(2000, 4))
    ends = [statistics.prediction_interval(row[:3]) or (0, 0) for row in values]
    share = np.mean([low <= value <= high for (low, high), value in zip(ends, values[:, 3], strict=True)])
    assert share == pytest.approx(0.95, abs=0.02)


def test_a_figure_stands_beside_ours_in_every_form() -> None:
    """Mean 0.885, s = 0.0129099; t(3) = 3.182446: ± 0.0205 for the mean, ± 0.0459 for one more training."""
    report = report_of(make_published(FIGURE))
    assert any(
        "val_accuracy 0.8900 of optimizer=adam, ours 0.8850 (−0.0050). It lies where" in f for f in report.details
    )
    row = "| adam | val\\_accuracy | 0.8900 | 0.8850 | 0.8645 to 0.9055 | 4 | −0.0050 | 0.8391 to 0.9309 | yes |"
    assert f"{row} a book; one training |" in render(report, "md")
    assert "Hahn &amp; Meeker 1991" in render(report, "html")
    (found,) = json.loads(render(report, "json"))["published"]
    assert found["difference"] == pytest.approx(-0.005)
    assert found["within"] is True


def test_a_figure_out_of_reach_is_said_to_be() -> None:
    far = Published(optimizer="adam", value=0.95, metric="val_accuracy", source="a book")
    report = report_of(make_published(FIGURE, far))
    assert any("ours 0.8850 (−0.0650). 1 of 2 lie where" in finding for finding in report.details)


def test_a_test_score_comes_from_the_evaluation_of_the_same_cell() -> None:
    study = make_published(TESTED)
    assert "hpstudy evaluate optimizers" in render(report_of(study), "md").replace("\\", "")
    found = report_of(study, make_evaluation()).data["published"]
    assert found[0]["ours"]["mean"] == pytest.approx(0.88)
    other = report_of(study, make_evaluation(params={"optimizer": "sgd"})).data["published"]
    assert other[0]["ours"] is None
    assert "a different configuration" in other[0]["missing"]


def test_a_study_without_trials_or_with_one_replicate_says_so() -> None:
    study = make_published(FIGURE, design=Grid(replicates=1))
    (nothing,) = build_report(study, [], figures=False).data["published"]
    assert nothing["missing"] == "no complete trial"
    (one,) = build_report(study, make_grid_records(study), figures=False).data["published"]
    assert one["ours"]["n"] == 1
    assert one["within"] is None


TWO = """
'''Are there two?'''
from hpstudy import Grid, Study

nowhere = Study(name="nowhere", dataset="mnist", design=Grid())
gates = Study(name="gates", dataset="logic_gates", design=Grid())
studies = (nowhere, gates)
"""


def test_a_run_goes_on_with_the_studies_whose_dataset_is_at_hand(tmp_path: Path) -> None:
    """The other one is finished already, but for its score on the test split."""
    (tmp_path / "two.py").write_text(TWO)
    store = Store(make_settings(tmp_path / "home").storage)
    claim = store.register(load_all(tmp_path / "two.py")[1].study).claims.claim(Owner.of_process())
    assert claim
    claim.complete(Outcome(metrics={"val_accuracy": 0.5}))
    store.close()
    away = {"HPSTUDY_DATA_DIR": "", "KERAS_HOME": str(tmp_path), "HPSTUDY_CACHE_DIR": str(tmp_path / "cache")}
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")  # nobody listens there
    output = call("run", "two.py", "--processes", "1", code=1, folder=tmp_path, env={**away, **proxies})
    assert "Study nowhere was not run: The dataset mnist is not on this machine" in output
    assert "Not every study of the file has a result" in output
    assert "Finished: 1 of 1 trials" in output


FILES = {
    "not all in the tuple": ("a = Study(**A)\nb = Study(**B)\nstudies = (a,)", "it has 2 (a, b)"),
    "a name twice": ("studies = (Study(**A), Study(**A))", "a study name twice"),
    "no studies": ("studies = 3", "must be a tuple"),
    "with build": ("studies = (Study(**A), Study(**B))\ndef build(c, i, o): ...", "Put each into a separate file"),
}


@pytest.mark.parametrize(("text", "sentence"), FILES.values(), ids=FILES)
def test_a_wrong_file_of_several_studies_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    head = (
        "from hpstudy import Grid, Study\nA = dict(name='a', dataset='digits', design=Grid())\nB = {**A, 'name': 'b'}\n"
    )
    (tmp_path / "several.py").write_text(head + text)
    with pytest.raises(UserError) as refusal:
        load_all(tmp_path / "several.py")
    assert sentence in str(refusal.value)


def test_each_study_that_ships_asks_a_question_of_at_least_three_seeds() -> None:
    assert len({study.name for study in STUDIES}) == len(STUDIES)
    for study in STUDIES:
        assert study.name.startswith("published-")
        assert "?" in study.question
        assert isinstance(study.design, Grid)
        assert study.design.replicates >= 3


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("write_published", ROOT / "docs" / "published.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_every_declared_figure_and_no_other(generator: ModuleType) -> None:
    declared = [
        f"| {' | '.join(generator.declared_cells(study, figure))} |" for study in STUDIES for figure in study.published
    ]
    figures = PAGE.split("## Figures")[1].split("## Settings")[0]
    rows = [line for line in figures.splitlines() if line.startswith("| `")]
    assert len(rows) == len(declared)
    for prefix, row in zip(declared, rows, strict=True):
        assert row.startswith(prefix)


def test_the_page_has_the_settings_as_they_are_declared(generator: ModuleType) -> None:
    for study in STUDIES:
        assert f"| {' | '.join(generator.settings_cells(study))} |" in PAGE
