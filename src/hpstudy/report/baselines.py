"""What simple predictors reach on the same rows, beside the scores of networks."""

from __future__ import annotations

from hpstudy.analysis.divergence import chance_scores
from hpstudy.records import Baselines
from hpstudy.report import texts
from hpstudy.report.document import Row, Section, Table
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
    text = f"Without a network: {CONSTANT} {texts.number(baselines.constant[metric])}"
    if not baselines.linear:
        return f"{text} ({metric})."
    rows = ""
    if baselines.fitted_rows < baselines.train_rows:
        rows = f", fitted on {baselines.fitted_rows:,} of {baselines.train_rows:,} training rows"
    text += f", {linear_name(baselines)} {texts.number(baselines.linear[metric])} ({metric}{rows})"
    held_out = f"test_{score}"
    if held_out in baselines.constant:
        text += (
            f"; on the test split {WORDS[score]} {texts.number(baselines.constant[held_out])} and "
            f"{texts.number(baselines.linear[held_out])}"
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
        (f"{of} {written}", *(texts.sortable(found.get(f"{prefix}{name}")) for _, found in predictors))
        for prefix, of in _PARTS.items()
        for name, written in WORDS.items()
        if f"{prefix}{name}" in baselines.constant
    ]
    constant = "mean" if baselines.ridge else "classes' shares"
    linear = "Linear regression" if baselines.ridge else "Logistic regression"
    over = f"means over {len(baselines.seeds)} splits" if len(baselines.seeds) > 1 else "of one split"
    table = Table(
        title="Without a network",
        columns=("metric", *(name for name, _ in predictors)),
        rows=tuple(rows),
        caption=(
            f"On the rows and inputs of the chosen configuration, {over}. The constant predictor gives every row the "
            f"{constant} of the training rows. {linear} with a penalty on squared weights is "
            f"scikit-learn's with its defaults, fitted on {baselines.fitted_rows:,} of {baselines.train_rows:,} "
            "training rows."
        ),
    )
    return Section(title="Baselines", tables=(table,))
