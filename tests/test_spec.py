"""A declaration is checked when it is made, and turns into JSON and back."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from hpstudy import Choice, Float, Grid, Int, Objective, Published, Search, Study
from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.objective import metric_for_classes
from hpstudy.study.overrides import override, quick


def make_study(**changes: object) -> Study:
    declaration: dict[str, object] = dict(
        name="optimizers",
        dataset="fashion_mnist",
        base=dict(depth=1, units=100, epochs=10),
        vary=dict(optimizer=Choice("sgd", "adam"), learning_rate=Choice(0.001, 0.01, 0.1)),
        design=Grid(replicates=3),
    )
    return Study(**{**declaration, **changes})  # type: ignore[arg-type]


STUDIES = {
    "grid": make_study(),
    "search": make_study(
        base={},
        vary=dict(
            optimizer=Choice("sgd", "adam"),
            momentum=Float(0.5, 0.99, when={"optimizer": "sgd"}),
            learning_rate=Float(1e-4, 1e-1, log=True),
            units=Int(16, 128, step=16),
            early_stopping=Choice(None, 3),
            dropout=Float(0.0, 0.5, step=0.05, when={"early_stopping": None}),
        ),
        design=Search(
            trials=20,
            sampler="gp",
            pruner="hyperband",
            seed=7,
            first=[{"momentum": 0.9, "optimizer": "SGD"}, {"units": 32, "early_stopping": None}],
        ),
    ),
    "pareto": make_study(objective=("val_accuracy", Objective("parameters")), seed=5, question="어느 것?"),
}


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_json_gives_an_equal_study_back(study: Study) -> None:
    again = Study.from_json(study.to_json())
    assert again == study
    assert again.question == study.question
    assert again.to_json() == study.to_json()


def test_a_grid_has_every_combination_once() -> None:
    study = make_study()
    cells = [tuple(cell.params.items()) for cell in study.cells()]
    assert len(cells) == len(set(cells)) == 6
    assert study.budget == 18
    assert [cell.number for cell in study.cells()] == list(range(6))


def test_a_conditional_factor_exists_only_where_its_condition_holds() -> None:
    study = make_study(vary=dict(optimizer=Choice("sgd", "adam"), momentum=Choice(0.5, 0.9, when={"optimizer": "sgd"})))
    assert [dict(cell.params) for cell in study.cells()] == [
        {"optimizer": "sgd", "momentum": 0.5},
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "adam"},
    ]


def test_a_configuration_has_every_factor() -> None:
    config = make_study().config({"optimizer": "momentum", "learning_rate": 0.1})
    assert config["units"] == 100
    assert config["learning_rate"] == 0.1
    assert config["momentum"] == 0.9
    assert config["scaling"] == "unit"
    assert config["activation"] == "relu"
    assert "num_words" not in config


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 0.01), ("nesterov", 0.01), ("adam", 0.001)])
def test_the_default_learning_rate_is_that_of_keras(optimizer: str, rate: float) -> None:
    assert make_study(vary={}, base=dict(optimizer=optimizer)).config({})["learning_rate"] == rate


def test_units_of_each_layer_say_how_many_layers_there_are() -> None:
    study = make_study(base={}, vary=dict(units=Choice(64, "256-128-100")))
    config = study.config(study.cells()[1].params)
    assert factors.hidden_units(config) == [256, 128, 100]
    assert config["depth"] == 3
    assert factors.hidden_units(study.config({"units": 64})) == [64]


def test_seeds_depend_on_study_seed_and_replicate_only() -> None:
    assert [make_study(seed=42).seed_of(replicate) for replicate in range(3)] == [42, 43, 44]


def test_levels_are_brought_to_one_form() -> None:
    study = make_study(base=dict(loss="Cross-Entropy"), vary=dict(learning_rate=Choice(1, 0.1)))
    assert study.base["loss"] == "cross_entropy"
    assert study == make_study(base=dict(loss="cross_entropy"), vary=dict(learning_rate=Choice(1.0, 0.1)))


def test_a_study_cannot_be_changed() -> None:
    study = make_study()
    with pytest.raises(dataclasses.FrozenInstanceError):
        study.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        study.base["depth"] = 2  # type: ignore[index]


GIVEN_AMONG = dict(
    optimizer=Choice("sgd", "adam"), momentum=Float(0.5, 0.99, when={"optimizer": "sgd"}), units=Int(8, 128, step=8)
)
REFUSED = {
    "unknown level": (dict(vary=dict(optimizer=Choice("adm"))), "Did you mean 'adam'"),
    "level of a wrong type": (dict(base=dict(depth="three")), "Factor 'depth': 'three' is not a whole number"),
    "boolean as a number": (dict(base=dict(dropout=True)), "Factor 'dropout': True is not a number"),
    "negative number": (dict(base=dict(l2=-0.1)), "of at least 0"),
    "dropout of one": (dict(base=dict(dropout=1.0)), "below 1"),
    "learning rate of zero": (dict(vary=dict(learning_rate=Float(0, 1))), "above 0"),
    "empty choice": (lambda: dict(vary=dict(optimizer=Choice())), "at least one level"),
    "list in a choice": (lambda: dict(vary=dict(optimizer=Choice(["sgd", "adam"]))), "not Choice(["),
    "level twice": (dict(vary=dict(optimizer=Choice("sgd", "SGD"))), "a level twice"),
    "no domain": (dict(vary=dict(optimizer="sgd")), "belongs in base"),
    "domain in base": (dict(base=dict(optimizer=Choice("sgd"))), "belongs in vary"),
    "in base and vary": (dict(base=dict(optimizer="sgd")), "is in base and in vary"),
    "range in a grid": (dict(vary=dict(dropout=Float(0, 0.5))), "a grid needs levels"),
    "range upside down": (lambda: dict(vary=dict(dropout=Float(0.5, 0.1))), "low must not be above high"),
    "log from zero": (lambda: dict(vary=dict(l2=Float(0, 1, log=True))), "low above 0"),
    "fraction in an Int": (lambda: dict(vary=dict(depth=Int(1, 2.5))), "whole numbers"),  # type: ignore[arg-type]
    "no replicate": (lambda: dict(design=Grid(replicates=0)), "at least 1; it is 0"),
    "negative budget": (lambda: dict(design=Search(finalists=0, trials=-5)), "at least 1; it is -5"),
    "unknown sampler": (lambda: dict(design=Search(finalists=0, trials=5, sampler="tpa")), "Did you mean 'tpe'"),
    "unknown pruner": (lambda: dict(design=Search(finalists=0, trials=5, pruner="hyper")), "hyperband"),
    "unknown metric": (dict(objective="val_acc"), "Did you mean 'val_accuracy'"),
    "unknown direction": (lambda: dict(objective=Objective("loss", "max")), "maximize"),
    "no objective": (dict(objective=()), "needs one objective"),
    "pruning by two objectives": (
        lambda: dict(design=Search(finalists=0, trials=5, pruner="median"), objective=("val_loss", "train_s")),
        "compares trials by one metric",
    ),
    "pruning by what is known at the end": (
        lambda: dict(design=Search(finalists=0, trials=5, pruner="median"), objective="parameters"),
        "known only at the end",
    ),
    "cmaes over choices": (
        lambda: dict(design=Search(finalists=0, trials=5, sampler="cmaes")),
        "at least two Float or Int",
    ),
    "search without factors": (lambda: dict(vary={}, design=Search(finalists=0, trials=5)), "needs factors that vary"),
    "momentum without its optimizer": (dict(base=dict(momentum=0.9)), "momentum goes with"),
    "augmented table": (dict(dataset="titanic", base=dict(augmentation="shift")), "needs images"),
    "words of images": (dict(base=dict(num_words=1000)), "belongs to imdb"),
    "scaled words": (dict(dataset="imdb", base=dict(scaling="standard")), "does nothing"),
    "units without a hidden layer": (dict(base=dict(depth=0), vary=dict(units=Choice(8, 16))), "no hidden layer"),
    "a number that no trial has": (dict(shows=("gaps",)), "no number to show 'gaps'. Did you mean 'gap'?"),
    "a number to show of a search": (
        dict(shows=("gap",), design=Search(finalists=0, trials=2)),
        "is for Grid(…) and Compare(…)",
    ),
    "layers of no units": (dict(base=dict(units="64-0")), "one for each layer, such as '256-128-100'"),
    "depth beside layers": (dict(base=dict(depth=2), vary=dict(units=Choice(64, "64-32"))), "Leave depth out"),
    "condition on nothing": (
        dict(vary=dict(momentum=Choice(0.9, when={"optimizer": "sgd"}))),
        "must stand above it",
    ),
    "condition that never holds": (
        dict(vary=dict(optimizer=Choice("sgd", "adam"), momentum=Choice(0.9, when={"optimizer": "nesterov"}))),
        "never is",
    ),
    **{
        f"given {case}": (
            lambda given=given: dict(
                base=dict(epochs=10), vary=GIVEN_AMONG, design=Search(finalists=0, trials=2, first=given)
            ),
            text,
        )
        for case, given, text in (
            ("as one dict", {"units": 16}, "must be a list of dicts"),
            ("nothing", [{}], "configuration 1 must be a dict of factor=level"),
            ("more than the budget", [{"units": n} for n in (8, 16, 32)], "at least 3 trials"),
            ("an unknown factor", [{"unit": 16}], "configuration 1: There is no factor 'unit'. Did you mean"),
            ("a factor of base", [{"epochs": 5}], "is in base"),
            ("an unknown level", [{"units": 16}, {"optimizer": "adm"}], "configuration 2: Factor 'optimizer'"),
            ("a level of others", [{"optimizer": "nadam"}], "Did you mean 'adam'? Legal: sgd, adam"),
            ("a level out of range", [{"units": 17}], "17 is not a whole number from 8 to 128 in steps of 8"),
            ("what is not there", [{"optimizer": "adam", "momentum": 0.9}], "not beside optimizer=adam"),
            ("half a condition", [{"momentum": 0.9}], "'optimizer' is left to the sampler"),
            ("twice", [{"units": 16}, {"units": 16}], "the same as configuration 1: units=16"),
        )
    },
    "condition outside a range": (
        lambda: dict(base={}, vary=dict(depth=Int(1, 5, step=2), l2=Choice(0, 0.1, when={"depth": 2}))),
        "'depth' is Int(1, 5, step=2)",
    ),
    "condition on one of all numbers": (
        lambda: dict(
            vary=dict(dropout=Float(0, 0.5), l2=Float(0, 0.1, when={"dropout": 0.1})),
            design=Search(finalists=0, trials=5),
        ),
        "hardly ever exactly that one",
    ),
    "condition of another type": (
        lambda: dict(vary=dict(norm=Choice(0, 1), momenta=Choice(1, 2, when={"norm": True}))),
        "norm=True, which 'norm' never is",
    ),
    "condition without a level": (
        lambda: dict(vary=dict(optimizer=Choice("sgd", "adam"), l2=Choice(0, 0.1, when={"optimizer": ()}))),
        "names no level",
    ),
    "conditions that exclude each other": (
        lambda: dict(
            vary=dict(
                optimizer=Choice("sgd", "adam"),
                momentum=Choice(0.5, 0.9, when={"optimizer": "SGD"}),
                dropout=Choice(0, 0.1, when={"momentum": 0.9, "optimizer": "adam"}),
            )
        ),
        "'dropout' never exists",
    ),
    "condition that is no dict": (lambda: dict(vary=dict(l2=Choice(0, 0.1, when="sgd"))), "when must be a dict"),
    "levels that Python takes for one": (lambda: dict(vary=dict(norm=Choice(True, 1, 2))), "equal in Python: True, 1."),
    "a number twice": (lambda: dict(vary=dict(rate=Choice(1, 1.0))), "equal in Python: 1, 1.0."),
    "zero and minus zero": (lambda: dict(vary=dict(rate=Choice(0.0, -0.0))), "a level twice"),
    "step and log": (lambda: dict(vary=dict(l2=Float(0.1, 1, step=0.1, log=True))), "not both"),
    "step of zero": (lambda: dict(vary=dict(l2=Float(0, 1, step=0))), "above 0; it is 0"),
    "step that is no number": (lambda: dict(vary=dict(l2=Float(0, 1, step="0.1"))), "above 0; it is '0.1'"),  # type: ignore[arg-type]
    "step below rounding": (lambda: dict(vary=dict(l2=Float(0, 1, step=1e-9))), "too small"),
    "grid over a huge range": (
        lambda: dict(vary=dict(net=Int(1, 10**9))),
        "1,000,000,000 cells and, with 3 replicates",
    ),
    "grid over many ranges": (
        lambda: dict(vary={f"f{number}": Int(1, 10) for number in range(9)}),
        "1,000,000,000 cells",
    ),
    "whole number that the database rounds": (
        lambda: dict(vary=dict(net=Int(0, 2**60)), design=Search(finalists=0, trials=5)),
        "2**53",
    ),
    "range that the sampler would list": (
        lambda: dict(vary=dict(net=Int(0, 2**31)), design=Search(finalists=0, trials=5, sampler="gp")),
        "lists the levels",
    ),
    "MLflow's own name": (dict(name="Default"), "the tracker keeps an experiment of that name"),
    "MLflow's own name in small letters": (dict(name="default"), "Try 'default-study'"),
    "factor without a name": (lambda: dict(vary={"": Choice(1, 2)}), "A factor's name is a printable text"),
    "factor's name with a space at its end": (dict(base={"k ": 1}), "A factor's name is a printable text"),
    "factor named like the replicates": (lambda: dict(vary=dict(replicate=Choice(1, 2))), "Grid(replicates=…)"),
    "factor named by a number": (lambda: dict(vary={1: Choice(1, 2)}), "A factor's name is a printable text"),
    "base that JSON cannot hold": (dict(base=dict(kernel=np.arange(3))), "it is array([0, 1, 2]) (ndarray)"),
    "name with spaces": (dict(name="my study"), "Try 'my-study'"),
    "name with a slash": (dict(name="a/b"), "Try 'a-b'"),
    "Korean name": (dict(name="최적화"), "Try 'my-study'"),
    "negative seed": (dict(seed=-1), "seed"),
    "no design": (dict(design=3), "Grid(…), Search(…) or Compare(…)"),
}


@pytest.mark.parametrize(("changes", "sentence"), REFUSED.values(), ids=REFUSED)
def test_an_impossible_declaration_is_refused_with_a_way_out(changes: object, sentence: str) -> None:
    with pytest.raises(UserError) as refusal:
        make_study(**(changes() if callable(changes) else changes))  # type: ignore[arg-type]
    assert sentence in str(refusal.value)


def test_an_unknown_factor_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UserError, match=r"no factor 'optimiser'. Did you mean 'optimizer'"):
        make_study(base=dict(optimiser="sgd"), vary={}).check_factors()


def test_an_unknown_dataset_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UserError, match=r"no dataset 'fashion-mnist'. Did you mean 'fashion_mnist'"):
        make_study(dataset="fashion-mnist").check_factors()
    with pytest.raises(UserError, match=r"dataset=Table\('my.csv', target=…\)"):
        make_study(dataset="my.csv").check_factors()


def test_a_study_recorded_before_there_were_diagnostics_is_still_the_same() -> None:
    study = make_study()
    assert "diagnostics" not in study.to_json()
    looking = make_study(diagnostics=True)
    assert Study.from_json(looking.to_json()) == looking
    assert looking.changes(study) == ["diagnostics: added, true"]
    with pytest.raises(UserError, match="True or False"):
        make_study(diagnostics="yes")


def test_given_configurations_are_brought_to_the_form_in_which_a_sampler_proposes_them() -> None:
    vary = dict(
        optimizer=Choice("sgd", "adam"),
        learning_rate=Float(0.001, 1.0),
        momentum=Float(0.5, 0.99, when={"optimizer": "sgd"}),
        units=Int(8, 128, step=8),
        scale=Choice(1.0, 2.0),
        flag=Choice(True, 2),
    )
    first = [
        {"units": np.int64(16), "learning_rate": 1, "optimizer": "Adam", "scale": 2},
        {"flag": True, "learning_rate": np.float32(0.5)},
        {"flag": 2, "learning_rate": 0.5},
    ]
    study = make_study(base={}, vary=vary, network_digest="digest", design=Search(finalists=0, trials=3, first=first))
    assert isinstance(study.design, Search)
    assert [list(levels.items()) for levels in study.design.first] == [
        [("optimizer", "adam"), ("learning_rate", 1.0), ("units", 16), ("scale", 2.0)],
        [("learning_rate", 0.5), ("flag", True)],
        [("learning_rate", 0.5), ("flag", 2)],
    ]
    assert {type(level) for level in study.design.first[0].values()} == {str, float, int}
    with pytest.raises(TypeError):
        study.design.first[0]["units"] = 32  # type: ignore[index]


def test_a_search_recorded_before_configurations_could_be_given_is_still_the_same() -> None:
    vary = dict(units=Int(8, 128, step=8))
    study = make_study(base={}, vary=vary, design=Search(finalists=0, trials=9))
    assert "first" not in study.to_json()
    given = make_study(base={}, vary=vary, design=Search(finalists=0, trials=9, first=[{"units": 8}, {"units": 16}]))
    assert given.changes(study) == ['design.search.first: added, [{"units": 8}, {"units": 16}]']
    assert override(given, trials=2) == dataclasses.replace(
        given, design=Search(finalists=0, trials=2, first=given.design.first)
    )
    with pytest.raises(UserError, match=r"Search\(trials=1\) cannot try 2 configurations first"):
        override(given, trials=1)
    many = Search(finalists=0, trials=9, first=[{"units": 8 * n} for n in range(1, 10)])
    assert quick(make_study(base={}, vary=vary, design=many)).design == dataclasses.replace(
        many, trials=6, first=many.first[:6]
    )


def test_changes_are_named_one_by_one() -> None:
    new = make_study(base=dict(depth=2, units=100, epochs=10), design=Grid(replicates=5), question="Another text")
    assert new.changes(make_study()) == ["base.depth: 1 → 2", "design.grid.replicates: 3 → 5"]


def test_parameters_that_the_study_cannot_have_produced_are_refused() -> None:
    study = STUDIES["search"]
    params = {"optimizer": "adam", "learning_rate": 0.01, "units": 32, "early_stopping": None, "dropout": 0.3}
    study.check_params(params)
    study.check_params({**params, "dropout": 6 * 0.05})  # 0.30000000000000004
    for wrong in (
        {"dropout": 0.31},
        {"dropout": 0.55},
        {"dropout": True},
        {"learning_rate": 5.0},
        {"units": 33},
        {"optimizer": "__import__"},
        {"momentum": 0.9},
    ):
        with pytest.raises(UserError):
            study.check_params({**params, **wrong})


def test_conditions_may_be_spelled_as_levels_are_whatever_the_domain() -> None:
    domains = {
        "Choice": Choice(0.5, 0.9, when={"optimizer": "SGD"}),
        "Float": Float(0.5, 0.9, step=0.1, when={"optimizer": {"SGD"}}),
        "numbers": Choice(0.5, 0.9, when={"dropout": 0, "depth": 2}),
    }
    for domain in domains.values():
        vary = dict(optimizer=Choice("SGD", "nesterov"), dropout=Choice(0, 0.5), depth=Int(1, 3), momentum=domain)
        study = make_study(base={}, vary=vary)
        exists = ["momentum" in cell.params for cell in study.cells()]
        assert any(exists)
        assert not all(exists)
        assert study.budget == 3 * len(study.cells())
        assert Study.from_json(study.to_json()).cells() == study.cells()


def test_a_float_with_a_step_has_the_levels_that_people_write() -> None:
    study = make_study(vary=dict(dropout=Float(0, 0.45, step=0.1), l2=Float(1e-5, 3e-5, step=1e-5)))
    assert list(study.vary["dropout"].levels) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert study.budget == 3 * len(study.cells()) == 45
    assert study.cells()[-1].params == {"dropout": 0.4, "l2": 3e-5}


def test_a_wide_range_is_read_at_once_and_asked_for_its_ends() -> None:
    study = make_study(
        base={},
        vary=dict(
            net=Int(0, 10**12), batch_size=Int(1, 10_000_000, log=True), epochs=Int(1, 10**9), depth=Int(0, 2**31)
        ),
        design=Search(finalists=0, trials=5, pruner="hyperband"),
        network_digest="own",
    )
    assert study.max_epochs == 10**9
    params = {"net": 10**12, "batch_size": 1, "epochs": 10**9, "depth": 3}
    study.check_params(params)
    with pytest.raises(UserError):
        study.check_params({**params, "net": 10**12 + 1})


def test_numbers_of_numpy_are_taken_everywhere_and_kept_as_plain_ones() -> None:
    study = make_study(
        base=dict(
            epochs=np.int64(3), l2=np.float32(0.5), loss=np.str_("mse"), train_rows=np.array(9), own=np.bool_(True)
        ),
        vary=dict(
            units=Choice(*np.arange(2, 5)),
            dropout=Choice(*np.linspace(0, 0.5, 3, dtype=np.float32)),
            depth=Int(np.int64(1), np.uint8(3), step=np.int8(2)),
            momenta=Float(np.float32(0), np.float64(1), step=np.float64(0.5), when={"units": np.arange(3, 5)}),
        ),
        design=Grid(replicates=np.int64(2)),
        seed=np.int64(7),
        diagnostics=np.bool_(True),
        published=Published(units=np.int64(2), dropout=np.float32(0.25), depth=np.int32(3), value=np.float64(0.5),
                            metric="val_accuracy", source="a book"),
    )  # fmt: skip
    plain = make_study(
        base=dict(epochs=3, l2=0.5, loss="mse", train_rows=9, own=True),
        vary=dict(
            units=Choice(2, 3, 4),
            dropout=Choice(0.0, 0.25, 0.5),
            depth=Int(1, 3, step=2),
            momenta=Float(0.0, 1.0, step=0.5, when={"units": (3, 4)}),
        ),
        design=Grid(replicates=2),
        seed=7,
        diagnostics=True,
        published=Published(units=2, dropout=0.25, depth=3, value=0.5, metric="val_accuracy", source="a book"),
    )
    assert study.to_json() == plain.to_json()
    assert study.budget == plain.budget
    search = Search(finalists=0, trials=np.int64(5), seed=np.int32(3))
    assert repr(search) == repr(Search(finalists=0, trials=5, seed=3))


def recorded(study: Study, **changes: object) -> Study:
    """As an earlier version has left it in the database, with what is refused today."""
    return Study.from_json(json.dumps({**json.loads(study.to_json()), **changes}))


def test_what_is_refused_of_a_file_today_still_opens_if_it_was_recorded_before() -> None:
    when = {"optimizer": ["SGD"]}
    vary = {
        "optimizer": {"choice": ["sgd", "adam"]},
        "momentum": {"float": [0.5, 0.9], "log": False, "when": when},
    }
    study = recorded(make_study(base={}, design=Search(finalists=0, trials=4)), name="Default", vary=vary)
    study.check_params({"optimizer": "sgd"})  # the condition was never met, and is not met now
    longer = override(study, trials=9)
    assert longer.changes(study) == ["design.search.trials: 4 → 9"]
    assert Study.from_json(longer.to_json()).vary["momentum"].when == {"optimizer": ("SGD",)}
    alike = recorded(
        make_study(),
        vary={"norm": {"choice": [True, 1, 1.0, False, 0]}, "k": {"choice": [1, 2], "when": {"norm": [False]}}},
    )
    assert alike.budget == 3 * len(alike.cells())
    assert alike.texts.row(["norm"], {"norm": 1.0}) == ["1.0"]


def test_a_condition_that_was_recorded_in_another_form_of_the_same_number_is_no_change() -> None:
    study = make_study(base={}, vary=dict(dropout=Choice(0, 0.5), l2=Float(0, 1, step=0.5, when={"dropout": 0})))
    declaration = json.loads(study.to_json())
    declaration["vary"]["l2"]["when"] = {"dropout": [0]}
    assert study.changes(Study.from_json(json.dumps(declaration))) == []


def test_true_instead_of_one_is_a_change() -> None:
    assert make_study(vary=dict(norm=Choice(True, False))).changes(make_study(vary=dict(norm=Choice(1, 0)))) == [
        "vary.norm.choice: [1, 0] → [true, false]"
    ]


def test_accuracy_is_the_default_of_own_data_only_if_no_class_is_more_than_twice_another() -> None:
    assert metric_for_classes([100, 50, 70]) == "val_accuracy"
    assert metric_for_classes([101, 50, 70]) == "val_balanced_accuracy"


@pytest.mark.parametrize("metric", ["val_auc", "val_brier"])
def test_a_metric_of_predictions_may_be_the_objective_and_prune_trials_and_is_then_known_by_epoch(metric: str) -> None:
    study = make_study(objective=metric, design=Search(trials=5, pruner="median"))
    assert study.objectives[0].maximizes == (metric == "val_auc")
    assert study.watched == (metric,)
    assert make_study().watched == ()
