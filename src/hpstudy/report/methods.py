"""Which method gives which number, and where it comes from: printed at the end of every report."""

from hpstudy.analysis import statistics
from hpstudy.analysis.deciding import POWER

_COMMON = (
    (
        "What is compared",
        "Validation scores. Trials never see the test split. A configuration that was chosen because its validation "
        "score is best is on average a little worse than that score.",
    ),
)
GRID_METHODS = (
    *_COMMON,
    (
        "Replicate",
        "The same cells with a different seed, which decides split, initial weights and shuffles. All cells of a "
        "replicate share them, so levels are compared replicate by replicate (paired), and degrees of freedom count "
        "replicates, not trials. For a factor, the other factors' combinations are averaged first, within a replicate.",
    ),
    (
        "On new data",
        "Intervals of means are for new data of this kind: 95 % t-intervals whose variance is s² · (1/n + validation "
        "rows / training rows), because replicates share rows (Nadeau & Bengio 2003). They end where the metric does: "
        "an accuracy at 0 and 1, a loss at 0.",
    ),
    (
        "Trained again on these data",
        "Verdicts and probabilities are about training again on these data. Worse: ruled out as the best, by multiple "
        "comparisons with the best (Hsu 1981, 1984) with a family error of 5 %. Configurations are compared replicate "
        "by replicate, with moderated variances (Smyth 2004); competitors that are surely worse do not count (Romano, "
        "Shaikh & Wolf 2014); critical values are simulated from a fixed seed. Equivalent: within what matters in "
        "practice of the best one, with a probability of at least 95 %; this goes before worse.",
    ),
    (
        "Best with, within practical",
        "Probabilities from draws of the true means, given scores and moderated variances; the means of the candidates "
        "have a common normal prior (Gelman et al. 2013, section 5.4), as the best of many looks better than it is.",
    ),
    (
        "Against a baseline",
        f"Two-sided paired t-tests (scipy.stats.ttest_1samp), from {statistics.MIN_REPLICATES} replicates on, "
        "corrected by Holm (1979; statsmodels multipletests) over the comparisons with the baseline. Effect size g: "
        "mean difference in standard deviations of the differences (Cohen 1988, d_z), corrected for small samples "
        "(Hedges 1981).",
    ),
    (
        "Do the levels differ at all?",
        "F-test within replicates (Fisher 1925; statsmodels AnovaRM); it supposes that all differences between two "
        "levels have the same variance.",
    ),
    (
        "Share of variance",
        "η² from sums of squares of type II (Yates 1934; statsmodels least squares), of what seed and split leave to "
        "explain. They describe these levels: other levels give other shares.",
    ),
    (
        "Replicates needed",
        f"After which a comparison is decided with {POWER:.0%} power, by the noncentral t (Cohen 1988). It takes the "
        "difference that was seen for the true one, so it is a plan, not a promise.",
    ),
    (
        "Failed and missing trials",
        "A combination in which one level failed counts for none of the levels, so that all are compared on equal "
        "terms. Replicates that are not finished are not used yet.",
    ),
)
SEARCH_METHODS = (
    *_COMMON,
    ("PED-ANOVA", "Importance for being among the best tenth of trials (Watanabe, Bansal & Hutter 2023), by Optuna."),
    (
        "fANOVA",
        "Share of the variance over the whole range, by a random forest (Hutter, Hoos & Leyton-Brown 2014), by Optuna.",
    ),
    (
        "Saved by pruning",
        "Epochs that pruned trials did not train; seconds by each trial's own epochs. Early stopping might "
        "have ended some of them too.",
    ),
    (
        "No p-values",
        "The sampler prefers regions that were good before, so trials are not independent, and each has only one seed.",
    ),
)
PUBLISHED_METHOD = (
    "Published figures",
    "A figure of one training is compared with the 95 % prediction interval for one more training of ours, mean ± "
    "t · s · √(1 + 1/n) (Hahn & Meeker 1991). A figure that was the best of many trainings is too high for that.",
)
INSIDE_METHODS = (
    (
        "Vanishing gradient",
        "A first layer that gets a small share of the last one's gradient hardly learns (Hochreiter 1991). Initial "
        "weights that keep the variance from layer to layer keep the gradient: Glorot & Bengio (2010) for tanh, "
        "He et al. (2015) for ReLU.",
    ),
)
