"""What simple predictors reach on the same rows, beside the scores of networks."""

from __future__ import annotations

from hpstudy.analysis.divergence import chance_scores
from hpstudy.records import Baselines
from hpstudy.report import texts
from hpstudy.report.document import Row, Section, Table
from hpstudy.report.languages import say, word
from hpstudy.study.factors import loss_of
from hpstudy.study.spec import Study

CONSTANT, CHANCE = "constant predictor", "chance"
WORDS = {  # how a metric is written, by its name without prefix
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1 (mean over classes)",
    "auc": "area under the ROC curve",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier score",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "r2": "R²",
    "loss": "loss",
}
_PARTS = {"val_": "validation", "test_": "test", "": "training"}  # prefix of a score → the rows that it is of


def baselines_finding(study: Study, baselines: Baselines) -> str:
    """One sentence, by the objective where it is a score."""
    wanted = study.objectives[0].metric
    score = "accuracy" if "accuracy" in baselines.constant else "rmse"
    metric = wanted if wanted in baselines.constant else f"val_{score}"
    text = say(
        "Without a network: {predictor} {value}",
        predictor=word(CONSTANT),
        value=texts.number(baselines.constant[metric]),
    )
    if not baselines.linear:
        return f"{text} ({metric})."
    rows = ""
    if baselines.fitted_rows < baselines.train_rows:
        rows = say(
            ", fitted on {fitted} of {all} training rows",
            fitted=f"{baselines.fitted_rows:,}",
            all=f"{baselines.train_rows:,}",
        )
    text += f", {word(linear_name(baselines))} {texts.number(baselines.linear[metric])} ({metric}{rows})"
    held_out = f"test_{score}"
    if held_out in baselines.constant:
        text += say(
            "; on the test split {metric} {constant} and {linear}",
            metric=word(WORDS[score]),
            constant=texts.number(baselines.constant[held_out]),
            linear=texts.number(baselines.linear[held_out]),
        )
    return f"{text}."


def linear_name(baselines: Baselines) -> str:
    return "ridge regression" if baselines.ridge else "logistic regression"


def stands_beside(study: Study, baselines: Baselines | None) -> list[tuple[str, float]]:
    """What a score of the first objective stands beside: `("chance", 0.1)`, `("logistic regression", 0.85)`."""
    metric = study.objectives[0].metric
    if baselines is None:
        chance = chance_scores(study.dataset_info, loss_of(study.config({}))).get(metric)
        return [] if chance is None else [(CHANCE, chance)]
    found = ((CHANCE, baselines.constant.get(metric)), (linear_name(baselines), baselines.linear.get(metric)))
    return [(name, value) for name, value in found if value is not None]


def baselines_section(baselines: Baselines) -> Section:
    predictors = [(CONSTANT, baselines.constant)]
    predictors += [(linear_name(baselines), baselines.linear)] if baselines.linear else []
    rows: list[Row] = [
        (f"{word(of)} {word(written)}", *(texts.exact(found.get(f"{prefix}{name}")) for _, found in predictors))
        for prefix, of in _PARTS.items()
        for name, written in WORDS.items()
        if f"{prefix}{name}" in baselines.constant
    ]
    over = say("of one split")
    if len(baselines.seeds) > 1:
        over = say("means over {number} splits", number=len(baselines.seeds))
    table = Table(
        title="Without a network",
        columns=(say("metric"), *(word(name) for name, _ in predictors)),
        rows=tuple(rows),
        caption=say(
            "On the rows and inputs of the chosen configuration, {over}. The constant predictor gives every row the "
            "{constant} of the training rows. {linear} with a penalty on squared weights is scikit-learn's with its "
            "defaults, fitted on {fitted} of {all} training rows.",
            over=over,
            constant=say("mean") if baselines.ridge else say("classes' shares"),
            linear=say("Linear regression") if baselines.ridge else say("Logistic regression"),
            fitted=f"{baselines.fitted_rows:,}",
            all=f"{baselines.train_rows:,}",
        ),
    )
    return Section(title="Baselines", tables=(table,))
