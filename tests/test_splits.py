"""Cross-validation and other shares: which rows the replicates of a study train on, and which validate it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from factories import make_study
from hpstudy import Folds, Grid, Resample, Study, Table, data
from hpstudy.data.splits import Keys, ScarceClassError, train_and_validation
from hpstudy.errors import UserError
from hpstudy.settings import Settings
from hpstudy.study.overrides import quick

LABELS = np.arange(60, dtype=np.int32) % 3


def validated(study: Study, replicates: range, settings: Settings) -> list[np.ndarray]:
    return [
        data.prepare(study.dataset, {}, study.seed_of(replicate), settings, study.splits).validation
        for replicate in replicates
    ]


def test_each_replicate_is_validated_on_its_fold_and_then_rows_are_shuffled_again(settings: Settings) -> None:
    study = make_study(dataset="iris", base={}, splits=Folds(5), design=Grid(replicates=10))
    folds = validated(study, range(10), settings)
    for first in (folds[:5], folds[5:]):
        np.testing.assert_array_equal(np.sort(np.concatenate(first)), np.arange(120))
    assert not np.array_equal(folds[0], folds[5])
    assert math.isclose(study.validation_ratio, 1 / 4)
    other = make_study(dataset="iris", base={}, splits=Folds(5), seed=43)
    assert not np.array_equal(validated(other, range(1), settings)[0], folds[0])  # no fold of another study is taken


def test_a_part_of_the_cross_validation_has_the_shares_of_the_classes() -> None:
    train, validation = train_and_validation(LABELS, 7, splits=Folds(4))
    assert np.bincount(LABELS[validation]).tolist() == [5, 5, 5]
    assert set(train) | set(validation) == set(range(60))


def test_no_group_is_in_two_folds_and_numbers_are_divided_by_their_size() -> None:
    groups = np.arange(60) // 2
    numbers = np.linspace(0, 1, 60, dtype=np.float32)
    for seed in range(5):
        train, validation = train_and_validation(LABELS, seed, keys=Keys(groups=groups), splits=Folds(5))
        assert not set(groups[train]) & set(groups[validation])
        _, validation = train_and_validation(numbers, seed, splits=Folds(5))
        assert abs(numbers[validation].mean() - 0.5) < 0.05


def test_another_share_may_be_for_validation(settings: Settings) -> None:
    study = make_study(dataset="iris", base={}, splits=Resample(validation=0.5))
    assert [len(rows) for rows in validated(study, range(2), settings)] == [60, 60]
    assert math.isclose(study.validation_ratio, 1)


@pytest.mark.parametrize("splits", [Folds(5), Resample(validation=0.3)])
def test_how_rows_are_split_is_recorded_where_it_is_not_usual(splits: Any) -> None:
    study = make_study(splits=splits)
    assert Study.from_json(study.to_json()) == study
    assert any("splits" in line for line in study.changes(make_study()))
    assert "splits" not in make_study().to_json()


@pytest.mark.parametrize(
    ("declare", "sentence"),
    [
        (lambda: Folds(1), "from 2 to 100"),
        (lambda: Resample(validation=1.0), "a share such as 0.2"),
        (lambda: make_study(splits=5), r"must be Folds\(5\) or Resample"),
        (lambda: make_study(dataset="logic_gates", splits=Folds(2)), "learned as a whole"),
        (lambda: make_study(dataset=Table("t.csv", target="y", time="t"), splits=Folds(2)), "because of time="),
        (lambda: train_and_validation(LABELS[:8], 0, splits=Folds(4)), "4 folds with every class in each"),
        (lambda: train_and_validation(LABELS, 0, keys=Keys(groups=LABELS), splits=Folds(4)), "fewer groups than the 4"),
    ],
)
def test_splits_that_cannot_be_made_are_refused(declare: Any, sentence: str) -> None:
    with pytest.raises((UserError, ScarceClassError), match=sentence):
        declare()


def test_a_quick_run_takes_no_more_training_rows_than_there_are() -> None:
    from hpstudy.study.own import Content

    content = Content(digest="0", classes=("a", "b"), rows=2_200)
    study = make_study(dataset=Table("t.csv", target="y", content=content), base={})
    assert "train_rows" not in quick(study).base
