"""The test split, once: what is chosen, its scores against hand-made ones, and the stored result."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

from factories import make_evaluation, make_grid_records, make_record, make_study
from hpstudy import Choice, Float, Grid, Search, data
from hpstudy.cli import main
from hpstudy.errors import NotFoundError, UserError
from hpstudy.evaluation.baselines import find_baselines
from hpstudy.evaluation.evaluate import chosen_trials, evaluate, scores
from hpstudy.records import Looks
from hpstudy.report.build import build_report
from hpstudy.report.render.files import render
from hpstudy.settings import Settings
from hpstudy.storage import Outcome, Owner, Store


def test_the_configuration_with_the_best_mean_is_chosen_not_the_luckiest_trial() -> None:
    study = make_study(vary={"optimizer": Choice("sgd", "adam")}, base={}, design=Grid(replicates=2))
    values = ((0.99, 0.50), (0.80, 0.82))
    records = [
        make_record(2 * cell + r, params=study.cells()[cell].params, cell=cell, replicate=r, seed=42 + r, value=value)
        for cell, row in enumerate(values)
        for r, value in enumerate(row)
    ]
    assert [record.number for record in chosen_trials(study, records)] == [2, 3]


def test_of_a_search_the_best_trial_is_chosen_and_repeated_under_other_seeds() -> None:
    study = make_study(vary={"learning_rate": Float(0.001, 0.1)}, base={}, design=Search(finalists=0, trials=2))
    records = [
        make_record(n, params={"learning_rate": 0.01 * (n + 1)}, value=0.8 + 0.1 * n, cell=None, seed=42)
        for n in range(2)
    ]
    chosen = chosen_trials(study, records)
    assert [record.seed for record in chosen] == [42, 43, 44]
    assert [record.number for record in chosen] == [1, -1, -1]
    assert {record.params["learning_rate"] for record in chosen} == {0.02}
    repeat = replace(records[1], number=0, repeats=1)  # claimed before the other, and ended after it
    assert chosen_trials(study, [repeat, records[1]])[0] == records[1], "the one whose weights may be kept"


def test_what_diverged_is_not_chosen() -> None:
    study = make_study(vary={"optimizer": Choice("sgd", "adam")}, base={}, design=Grid(replicates=2))
    records = [replace(record, values=(0.1,), diverged=1) for record in make_grid_records(study)]
    whole = replace(records[3], values=(0.05,), diverged=None)  # worse than the constant predictor, but a network
    assert chosen_trials(study, [*records[:3], whole]) == [whole]
    with pytest.raises(NotFoundError, match="every complete trial diverged"):
        chosen_trials(study, records)


def test_without_a_complete_trial_nothing_is_chosen() -> None:
    with pytest.raises(NotFoundError, match="no complete trial"):
        chosen_trials(make_study(), [])


def test_baselines_are_those_of_scikit_learn_on_the_rows_of_the_trials(settings: Settings) -> None:
    study = make_study(vary={"optimizer": Choice("adam")}, base={"scaling": "standard"}, design=Grid(replicates=2))
    found = find_baselines(study, make_grid_records(study), settings, test=True)
    assert (found.seeds, found.loss) == ((42, 43), "cross_entropy")
    by_hand = []
    for seed in found.seeds:
        arrays = data.prepare("digits", study.config({"optimizer": "adam"}), seed, settings)
        inputs = arrays.x * arrays.scale + arrays.offset
        model = LogisticRegression(max_iter=100).fit(inputs[arrays.train], arrays.y[arrays.train])
        by_hand.append(model.score(inputs[arrays.validation], arrays.y[arrays.validation]))
    assert found.logistic["val_accuracy"] == pytest.approx(np.mean(by_hand), abs=0.005)
    for name in ("val_accuracy", "test_accuracy"):
        assert found.constant[name] < 0.15
        assert found.logistic[name] > 0.9
    assert found.logistic["val_loss"] < found.constant["val_loss"] == pytest.approx(np.log(10), abs=0.01)
    assert found.fitted_rows == found.train_rows == len(arrays.train)
    assert "test_accuracy" not in find_baselines(study, make_grid_records(study), settings, test=False).constant


@pytest.mark.parametrize("harm", ["none", "damaged", "unusable"])
def test_baselines_are_found_once_for_a_dataset_and_a_cache_does_no_harm(
    tmp_path: Path, settings: Settings, harm: str
) -> None:
    study = make_study(vary={}, base={}, design=Grid())
    own = replace(settings, cache_dir=tmp_path / "cache")
    first = find_baselines(study, make_grid_records(study), own, test=True)
    (file,) = (tmp_path / "cache" / "baselines").glob("*.json")
    changed = json.dumps({name: score / 2 for name, score in first.logistic.items()})
    if harm == "none":
        file.write_text(changed)
    elif harm == "damaged":
        file.write_text(file.read_text()[:20])
    else:
        shutil.rmtree(file.parent)
        file.parent.touch()
    second = find_baselines(study, make_grid_records(study), own, test=True)
    assert second.constant == first.constant
    assert second.logistic == (json.loads(changed) if harm == "none" else first.logistic)
    other = make_study(vary={}, base={"scaling": "standard"}, design=Grid())
    assert find_baselines(other, make_grid_records(other), own, test=True).logistic["val_accuracy"] > 0.9


def test_a_score_that_is_older_than_the_choice_says_so() -> None:
    """After `extend`, another configuration may be the best, or the same one may have more replicates."""
    study = make_study(vary={"optimizer": Choice("sgd", "adam")}, base={}, design=Grid(replicates=3))
    records = make_grid_records(study)
    evaluation = make_evaluation(params={"optimizer": "adam"}, seeds=(42, 43, 44))
    report = build_report(study, records, evaluation=evaluation)
    assert "older" not in report.details[0]
    assert report.data["chosen_since"] is None
    other = build_report(study, records, evaluation=make_evaluation(params={"optimizer": "sgd"}))
    assert "it is of seeds 42, 43 and 44, and now optimizer=adam is chosen with 3 seeds" in other.details[0]
    assert "hpstudy evaluate optimizers --again" in other.details[0]
    extended = replace(study, design=Grid(replicates=4))
    more = [replace(record, seed=42 + record.replicate) for record in make_grid_records(extended)]
    report = build_report(extended, more, evaluation=evaluation, looks=Looks(at_test_split=3))
    assert "now it is chosen with 4 seeds" in report.details[0]
    assert "scored the test split of this dataset 3 times" in report.details[0]
    assert report.data["chosen_since"] == {"params": {"optimizer": "adam"}, "seeds": [42, 43, 44, 45]}


def test_scores_by_hand() -> None:
    """Two replicates, four rows, two classes: each errs once, elsewhere; together they err once.

    Class b is called twice, once rightly: precision 1/2. Of its one row one is found: recall 1, F1 2/3.
    """
    first = [[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.1, 0.9]]
    second = [[0.6, 0.4], [0.45, 0.55], [0.3, 0.7], [0.2, 0.8]]
    found = scores(np.array([first, second]), np.array([0, 0, 0, 1]), ("a", "b"))
    assert found["accuracy"] == [0.75, 0.5]
    assert found["ensemble"]["accuracy"] == 0.75
    assert found["confusion"] == [[2, 1], [0, 1]]
    b = found["by_class"][1]
    assert (b["precision"], b["recall"], b["rows"]) == (0.5, 1.0, 1)
    assert b["f1"] == pytest.approx(2 / 3)


def test_the_interval_of_the_ensemble_is_wilsons() -> None:
    """15 of 25: 0.4074 to 0.7660 (Newcombe 1998 gives 81 of 263 as 0.2553 to 0.3662, checked too)."""
    for hits, rows, low, high in ((81, 263, 0.2553, 0.3662), (15, 25, 0.4074, 0.7660)):
        labels = np.array([0] * hits + [1] * (rows - hits))
        predictions = np.tile([0.9, 0.1], (1, rows, 1))
        found = scores(predictions, labels, ("a", "b"))["ensemble"]
        assert found["low"] == pytest.approx(low, abs=1e-4)
        assert found["high"] == pytest.approx(high, abs=1e-4)


def test_the_report_shows_the_stored_scores() -> None:
    study = make_study()
    predictions = np.random.default_rng(0).dirichlet(np.ones(3), (3, 50))
    evaluation = make_evaluation(**scores(predictions, np.arange(50) % 3, ("a", "b", "c")))
    report = build_report(study, make_grid_records(study), evaluation=evaluation)
    assert "On the 50 rows of the test split" in report.details[0]
    titles = [section.title for section in report.sections]
    assert titles.index("Configurations") < titles.index("Test split")
    assert "Confusion matrix" in render(report, "html")
    assert json.loads(render(report, "json"))["evaluation"]["rows"] == 50


def test_the_command_scores_once_and_keeps_the_result(settings: Settings, tmp_path: Path) -> None:
    from hpstudy.training.trainer import Trainer

    queue = Store(settings.storage).register(
        make_study(name="small", vary={"optimizer": Choice("adam")}, base={"epochs": 2}, design=Grid(replicates=2))
    )
    trainer, home = Trainer(), ["--home", str(tmp_path / "home")]
    result = CliRunner().invoke(main, ["evaluate", "small", *home])
    assert result.exit_code == 2
    assert "not finished: 0 of 2" in result.output
    while claim := queue.claims.claim(Owner.of_process()):
        training = trainer.start(
            claim.config, claim.start.seed, data.prepare("digits", claim.config, claim.start.seed, settings)
        )
        history = tuple(training)
        claim.complete(Outcome(metrics=training.result(), history=history))
    result = CliRunner().invoke(main, ["evaluate", "small", "--json", *home])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    kept = queue.entry.evaluation()
    assert kept is not None
    assert found == json.loads(json.dumps(kept.to_json()))
    assert found["seeds"] == [42, 43]
    recorded = [record.metrics["val_accuracy"] for record in queue.trials.records()]
    assert found["validation"] == pytest.approx(recorded, abs=0.003)  # the networks of the trials, trained again
    assert min(found["accuracy"]) > 0.5
    again = CliRunner().invoke(main, ["evaluate", "small", *home]).output
    assert "Already evaluated" in again
    assert "Without a network: constant predictor 0.1" in " ".join(again.split())
    assert Store(settings.storage).times_scored("digits") == 1
    assert Store(settings.storage).times_scored("titanic") == 0


def test_an_own_network_that_cannot_be_built_at_the_end_gets_a_sentence(settings: Settings) -> None:
    study = make_study(vary={"optimizer": Choice("sgd")}, base={"epochs": 1}, design=Grid(), network_digest="digest")
    record = make_record(params={"optimizer": "sgd"}, cell=0)
    with pytest.raises(UserError, match="raised SystemExit: 3"):
        evaluate(study, [record], settings, lambda *_: sys.exit(3))
