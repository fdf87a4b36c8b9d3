"""The report's statistics against published and hand-computed numbers, and against simulated truth."""

from __future__ import annotations

import gc
import math

import numpy as np
import pytest
from scipy import stats

from factories import make_record, make_study
from hpstudy import Choice, Grid
from hpstudy.analysis import statistics
from hpstudy.analysis.cells import factor_values, grid_values
from hpstudy.analysis.effects import factor_effects
from hpstudy.analysis.ranking import ranked_cells
from hpstudy.analysis.variance import pair_cells, variance_shares
from hpstudy.errors import UserError
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.spec import Study

# Student (1908), The Probable Error of a Mean, p. 20: additional hours of sleep by two drugs, ten patients
DEXTRO = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
LAEVO = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])


@pytest.fixture
def no_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """statsmodels collects garbage in each `multipletests`, 50 ms of every simulated study."""
    monkeypatch.setattr(gc, "collect", lambda: 0)


def make_grid(levels: int = 3, replicates: int = 5, contexts: int = 1, **changes: object) -> Study:
    optimizers = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")[:levels]
    vary = {"optimizer": Choice(*optimizers)}
    if contexts > 1:
        vary["units"] = Choice(*range(10, 10 + contexts))
    return make_study(vary=vary, base={}, design=Grid(replicates=replicates), **changes)


def records_of(study: Study, values: np.ndarray) -> list[TrialRecord]:
    """Trials of a grid from an array (cells, replicates); NaN is a failed trial."""
    cells, numbers = study.cells(), iter(range(values.size))
    return [
        make_record(
            next(numbers),
            params=cells[cell].params,
            cell=cell,
            replicate=replicate,
            value=float(values[cell, replicate]),
            state=TrialState.FAILED if math.isnan(values[cell, replicate]) else TrialState.COMPLETE,
            epochs=1,
        )
        for replicate in range(values.shape[1])
        for cell in range(values.shape[0])
    ]


def test_students_own_example_of_paired_differences() -> None:
    """Mean 1.58, s.d. 1.23 (with n - 1), t = 4.0621, p = 0.002833, interval 0.7001 to 2.4599 (R's `sleep`)."""
    difference = statistics.paired_difference(LAEVO, DEXTRO)
    assert difference.interval.mean == pytest.approx(1.58)
    assert difference.sd == pytest.approx(1.229995, abs=1e-6)
    assert difference.p == pytest.approx(0.002833, abs=1e-6)
    assert difference.interval.low == pytest.approx(0.7001142, abs=1e-6)
    assert difference.interval.high == pytest.approx(2.4598858, abs=1e-6)
    assert difference.effect == pytest.approx(1.58 / 1.229995 * (1 - 3 / 35), abs=1e-5)  # Hedges, df = 9


def test_an_interval_computed_by_hand() -> None:
    """1, 2, 3: mean 2, s = 1, t(0.975, 2) = 4.302653, half width 4.302653 / √3 = 2.484138."""
    found = statistics.interval([1.0, 2.0, 3.0])
    assert (found.mean, found.n) == (2.0, 3)
    assert found.half_width == pytest.approx(2.484138, abs=1e-6)


def test_an_interval_ends_where_its_metric_does() -> None:
    """0, 1, 1: mean 2/3, s = 0.577350, half width 4.302653 · 0.577350 / √3 = 1.434218: far beyond 0 and 1."""
    values = [0.0, 1.0, 1.0]
    free = statistics.interval(values)
    share = statistics.interval(values, statistics.bounds_of("val_accuracy"))
    assert (free.low, free.high) == pytest.approx((-0.767551, 2.100884), abs=1e-6)
    assert (share.mean, share.low, share.high) == (free.mean, 0.0, 1.0)
    assert share.arms == pytest.approx((2 / 3, 1 / 3))
    loss = statistics.interval(values, statistics.bounds_of("val_loss"))
    assert (loss.low, loss.high) == (0.0, free.high)
    assert statistics.prediction_interval(values, statistics.bounds_of("test_accuracy")) == (0.0, 1.0)
    one, other = np.array(values), np.array([0.0, 0.0, 1.0])
    assert statistics.paired_difference(one, other, statistics.bounds_of("accuracy")).interval.high == 1.0
    assert statistics.paired_difference(one, other, statistics.bounds_of("loss")).interval.high > 1.7
    beyond = statistics.interval([-0.5, 0.5], statistics.bounds_of("loss"))  # of a network with a loss of its own
    assert (beyond.low, beyond.mean) == (-0.5, 0.0)
    inside = statistics.interval([0.4, 0.5, 0.6], statistics.bounds_of("accuracy"))
    assert inside == statistics.interval([0.4, 0.5, 0.6])


def test_holm_by_hand() -> None:
    """0.01 × 4, 0.02 × 3, 0.03 × 2 and 0.04 × 1, none below the one before; unknown ones are not counted."""
    assert statistics.holm([0.04, 0.01, None, 0.03, 0.02]) == pytest.approx([0.06, 0.04, None, 0.06, 0.06], nan_ok=True)


def test_the_f_test_of_repeated_measures_by_hand() -> None:
    """Three levels × three replicates: SS levels 24, residual 4, F = (24 / 2) / (4 / 4) = 12 on 2 and 4 df."""
    values = np.array([[1.0, 2.0, 3.0], [4.0, 2.0, 6.0], [5.0, 6.0, 7.0]])
    means = values.mean(axis=1)
    squares = 3 * ((means - values.mean()) ** 2).sum()
    rest = ((values - values.mean(axis=0) - means[:, None] + values.mean()) ** 2).sum()
    expected = stats.f.sf((squares / 2) / (rest / 4), 2, 4)
    assert squares == pytest.approx(24)
    assert rest == pytest.approx(4)
    assert statistics.any_effect_p(values) == pytest.approx(expected)


def test_too_few_replicates_have_no_p_value() -> None:
    two = statistics.paired_difference(np.array([1.0, 2.0]), np.array([0.0, 0.5]))
    assert two.p is None
    assert two.effect is None
    assert two.interval.low is not None
    one = statistics.paired_difference(np.array([1.0]), np.array([0.0]))
    assert one.p is None
    assert one.interval.low is None
    assert one.interval.mean == 1.0


def test_equal_results_are_not_told_apart_and_constant_differences_have_no_test() -> None:
    same = np.array([0.5, 0.6, 0.7])
    assert statistics.paired_difference(same, same).p == 1.0
    constant = statistics.paired_difference(same + 0.1, same)
    assert constant.p is None
    assert constant.sd == 0
    assert constant.is_constant
    assert statistics.any_effect_p(np.array([same, same])) is None


@pytest.mark.usefixtures("no_collection")
def test_false_positives_of_1000_null_studies() -> None:
    """No level matters: a baseline test and the F-test are wrong in 5 %, and so is Holm over all pairs."""
    random = np.random.default_rng(1)
    studies, levels, replicates = 1000, 4, 5
    values = random.normal(size=(studies, levels, replicates)) + random.normal(size=(studies, 1, replicates))
    single = statistics.paired_p(values[:, 1] - values[:, 0]) < statistics.ALPHA
    assert single.mean() == pytest.approx(0.05, abs=0.02)
    pairs = np.triu_indices(levels, k=1)
    p_pairs = statistics.paired_p(values[:, pairs[1]] - values[:, pairs[0]])
    family = np.array([min(p for p in statistics.holm(row.tolist()) if p is not None) for row in p_pairs])
    assert 0.03 <= (family < statistics.ALPHA).mean() <= 0.07
    f_test = np.array([statistics.any_effect_p(study) for study in values], float)
    assert (f_test < statistics.ALPHA).mean() == pytest.approx(0.05, abs=0.02)


@pytest.mark.usefixtures("no_collection")
def test_whole_reports_on_null_studies_claim_a_difference_in_five_percent() -> None:
    """From trials to `is_distinct`: any level told from the best one, although no level matters."""
    random = np.random.default_rng(2)
    study = make_grid(levels=3, replicates=5)
    wrong = 0
    for _ in range(1000):
        values = random.normal(size=(3, 5)) + random.normal(size=5)
        grid = grid_values(study, records_of(study, values))
        p_values = [p for p in _all_p(factor_values(grid, "optimizer").values) if p is not None]  # type: ignore[union-attr]
        wrong += min(p_values) < statistics.ALPHA
    assert wrong / 1000 == pytest.approx(0.05, abs=0.02)


def _all_p(values: np.ndarray) -> list[float | None]:
    pairs = np.triu_indices(len(values), k=1)
    return statistics.holm(statistics.paired_p(values[pairs[1]] - values[pairs[0]]).tolist())


@pytest.mark.parametrize("replicates", [3, 5, 10])
def test_95_percent_intervals_hold_the_truth_in_95_percent(replicates: int) -> None:
    random = np.random.default_rng(3)
    values = 0.9 + 0.01 * random.normal(size=(2000, 2, replicates)) + 0.02 * random.normal(size=(2000, 1, replicates))
    values[:, 1] += 0.005
    _, low, high = statistics.t_interval(values[:, 0])
    assert ((low <= 0.9) & (high >= 0.9)).mean() == pytest.approx(0.95, abs=0.02)
    _, low, high = statistics.t_interval(values[:, 1] - values[:, 0])
    assert ((low <= 0.005) & (high >= 0.005)).mean() == pytest.approx(0.95, abs=0.02)


def test_trials_are_no_replicates() -> None:
    """Twelve contexts do not make the interval narrower by themselves: the unit is the replicate."""
    study = make_grid(levels=2, replicates=3, contexts=12)
    values = np.zeros((24, 3))
    for cell, params in enumerate(cell.params for cell in study.cells()):
        values[cell] = [0.1, 0.2, 0.3] if params["optimizer"] == "sgd" else [0.2, 0.4, 0.3]
    (effect,) = (e for e in factor_effects(grid_values(study, records_of(study, values))) if e.factor == "optimizer")
    assert effect.of("momentum").mean.n == 3
    sgd = effect.of("sgd").difference
    assert sgd
    assert sgd.interval.mean == pytest.approx(-0.1)
    assert sgd.p == pytest.approx(stats.ttest_rel([0.1, 0.2, 0.3], [0.2, 0.4, 0.3]).pvalue)


def test_a_failed_trial_takes_its_context_from_all_levels() -> None:
    study = make_grid(levels=2, replicates=3, contexts=2)
    values = np.array([[1.0, 1.0, 1.0], [5.0, 5.0, 5.0], [2.0, 2.0, 2.0], [np.nan, 9.0, 9.0]])
    grid = grid_values(study, records_of(study, values))
    compared = factor_values(grid, "optimizer")
    assert compared
    assert len(compared.contexts) == 1
    assert compared.all_contexts == 2
    np.testing.assert_allclose(compared.values, [[1.0] * 3, [2.0] * 3])


def test_a_level_that_always_fails_is_named_and_left_out() -> None:
    study = make_grid(levels=3, replicates=3)
    values = np.array([[0.1, 0.2, 0.3], [np.nan] * 3, [0.2, 0.3, 0.5]])
    (effect,) = factor_effects(grid_values(study, records_of(study, values)))
    assert effect.values.excluded == ("momentum",)
    assert {level.level for level in effect.levels} == {"sgd", "nesterov"}


def test_a_value_that_is_no_number_counts_as_failed() -> None:
    study = make_grid(levels=2, replicates=3)
    records = records_of(study, np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.5]]))
    records[0] = make_record(
        0, params=records[0].params, cell=0, replicate=0, value=math.inf, values=(math.inf,), epochs=1
    )
    grid = grid_values(study, records)
    assert grid.failed[0, 0]
    assert factor_effects(grid) == []


def test_unfinished_replicates_wait() -> None:
    study = make_grid(levels=2, replicates=3)
    records = records_of(study, np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.5]]))[:-1]
    grid = grid_values(study, records)
    assert grid.finished == [0, 1]
    (effect,) = factor_effects(grid)
    assert effect.best.mean.n == 2
    assert all(level.p is None for level in effect.levels)


def test_a_conditional_factor_is_averaged_over_within_its_level() -> None:
    study = make_study(
        base={},
        vary={"optimizer": Choice("sgd", "adam"), "momentum": Choice(0.5, 0.9, when={"optimizer": "sgd"})},
        design=Grid(replicates=3),
    )
    values = np.array([[0.2, 0.2, 0.3], [0.4, 0.4, 0.5], [0.5, 0.6, 0.8]])
    grid = grid_values(study, records_of(study, values))
    optimizer, momentum = factor_values(grid, "optimizer"), factor_values(grid, "momentum")
    assert optimizer
    assert momentum
    np.testing.assert_allclose(optimizer.values, [[0.3, 0.3, 0.4], [0.5, 0.6, 0.8]])
    np.testing.assert_allclose(momentum.values, values[:2])


def test_a_baseline_is_compared_with_instead_of_the_best() -> None:
    study = make_grid(levels=3, replicates=5)
    values = np.random.default_rng(0).normal(size=(3, 5)) + np.array([[0.0], [5.0], [9.0]])
    grid = grid_values(study, records_of(study, values))
    (effect,) = factor_effects(grid, ["momentum"])
    assert (effect.reference, effect.is_baseline) == ("momentum", True)
    assert effect.best.level == "nesterov"
    assert factor_effects(grid, ["optimizer=momentum"])[0].levels == effect.levels
    with pytest.raises(UserError, match="no baseline 'adm'"):
        factor_effects(grid, ["adm"])


def test_a_level_of_two_factors_is_no_clear_baseline() -> None:
    study = make_study(vary={"units": Choice(10, 20), "batch_size": Choice(10, 20)}, base={})
    with pytest.raises(UserError, match="Write units=10"):
        factor_effects(grid_values(study, []), ["10"])


def test_shares_of_variance_as_the_classical_analysis_has_them() -> None:
    """Every sum of squares of a complete grid computed from its textbook formula; the shares sum to one."""
    study = make_grid(levels=3, replicates=4, contexts=2)
    values = np.random.default_rng(5).normal(size=(6, 4))
    shares = {share.factors: share.share for share in variance_shares(grid_values(study, records_of(study, values)))}
    cube = values.reshape(3, 2, 4)
    grand = cube.mean()
    total = ((cube - cube.mean(axis=(0, 1))) ** 2).sum()  # what is shared in a replicate left out
    one, other = cube.mean(axis=(1, 2)), cube.mean(axis=(0, 2))
    both = cube.mean(axis=2) - one[:, None] - other + grand
    assert shares[("optimizer",)] == pytest.approx(8 * ((one - grand) ** 2).sum() / total)
    assert shares[("units",)] == pytest.approx(12 * ((other - grand) ** 2).sum() / total)
    assert shares[("optimizer", "units")] == pytest.approx(4 * (both**2).sum() / total)
    assert ("replicate",) not in shares
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_pure_interaction_is_found_where_the_averages_show_nothing() -> None:
    study = make_grid(levels=2, replicates=3, contexts=2)
    values = np.array([[1.0] * 3, [0.0] * 3, [0.0] * 3, [1.0] * 3])
    grid = grid_values(study, records_of(study, values))
    shares = variance_shares(grid)
    assert shares[0].factors == ("optimizer", "units")
    assert shares[0].share == pytest.approx(1.0)
    (pair,) = pair_cells(grid, shares)
    assert pair.means["sgd", "10"].mean == 1.0


def test_studies_without_variance_have_no_shares() -> None:
    study = make_grid(levels=2, replicates=3)
    assert variance_shares(grid_values(study, records_of(study, np.full((2, 3), 0.5)))) == []
    assert variance_shares(grid_values(study, [])) == []


def test_cells_are_ranked_and_compared_with_the_best_on_the_same_replicates() -> None:
    study = make_grid(levels=3, replicates=4)
    values = np.array([[0.5, 0.6, 0.7, 0.8], [0.9, 0.8, 0.7, 0.95], [0.52, np.nan, 0.7, 0.9]])
    cells = ranked_cells(grid_values(study, records_of(study, values))).cells
    assert [cell.number for cell in cells] == [1, 2, 0]
    assert cells[2].verdict == "undecided"
    assert cells[0].p_best > cells[2].p_best
    assert (cells[1].failed, cells[1].mean.n) == (1, 3)
    assert cells[2].difference == pytest.approx((values[0] - values[1]).mean())


def test_less_is_better_where_the_objective_is_minimized() -> None:
    study = make_grid(levels=2, replicates=3, objective="val_loss")
    grid = grid_values(study, records_of(study, np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.5]])))
    (effect,) = factor_effects(grid)
    assert effect.best.level == "sgd"
    assert ranked_cells(grid).cells[0].number == 0
