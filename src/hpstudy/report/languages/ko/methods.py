"""Which method gives which number."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "What is compared": "무엇을 비교하는가",
    "Validation scores. Trials never see the test split. A configuration that was chosen because its validation score is "
    "best is on average a little worse than that score.": (
        "검증 점수. 시행은 테스트 분할을 보지 않습니다. 검증 점수가 가장 좋아서 선택된 설정은 평균적으로 그 점수보다 조금 "
        "나쁩니다."
    ),
    "Replicate": "반복",
    "The same cells with a different seed, which decides split, initial weights and shuffles. All cells of a replicate "
    "share them, so levels are compared replicate by replicate (paired), and degrees of freedom count replicates, not "
    "trials. For a factor, the other factors' combinations are averaged first, within a replicate.": (
        "시드가 다른 같은 셀. 시드는 분할, 초기 가중치, 섞는 순서를 정합니다. 한 반복의 모든 셀이 이를 공유하므로 수준은 "
        "반복마다 짝지어 비교하며, 자유도는 시행이 아니라 반복을 셉니다. 요인에 대해서는 먼저 한 반복 안에서 다른 요인의 "
        "조합을 평균합니다."
    ),
    "On new data": "새 데이터에 대하여",
    "Intervals of means are for new data of this kind: 95 % t-intervals whose variance is s² · (1/n + validation rows / "
    "training rows), because replicates share rows (Nadeau & Bengio 2003). They end where the metric does: an accuracy at "
    "0 and 1, a loss at 0.": (
        "평균의 구간은 같은 종류의 새 데이터에 대한 것입니다: 반복이 행을 공유하므로 분산이 s² · (1/n + 검증 행 / 학습 행)인 "
        "95 % t-구간 (Nadeau & Bengio 2003). 지표의 한계에서 끝납니다: 정확도는 0과 1, 손실은 0."
    ),
    "Trained again on these data": "같은 데이터로 다시 학습할 때",
    "Verdicts and probabilities are about training again on these data. Worse: ruled out as the best, by multiple "
    "comparisons with the best (Hsu 1981, 1984) with a family error of 5 %. Configurations are compared replicate by "
    "replicate, with moderated variances (Smyth 2004); competitors that are surely worse do not count (Romano, Shaikh & "
    "Wolf 2014); critical values are simulated from a fixed seed. Equivalent: within what matters in practice of the best "
    "one, with a probability of at least 95 %; this goes before worse.": (
        "판정과 확률은 같은 데이터로 다시 학습할 때에 관한 것입니다. 더 나쁨: 최고와의 다중 비교 (Hsu 1981, 1984)로 전체 "
        "오류 5 %에서 최고가 아님이 확인됨. 설정은 반복마다 조정된 분산으로 비교합니다 (Smyth 2004); 분명히 나쁜 경쟁자는 "
        "세지 않습니다 (Romano, Shaikh & Wolf 2014); 임계값은 고정된 시드로 모의합니다. 동등함: 95 % 이상의 확률로 최고와의 "
        "차이가 실용적으로 의미 있는 값 이내; 더 나쁨에 앞섭니다."
    ),
    "Best with, within practical": "최고일 확률, 실용 범위 안일 확률",
    "Probabilities from draws of the true means, given scores and moderated variances; the means of the candidates have a "
    "common normal prior (Gelman et al. 2013, section 5.4), as the best of many looks better than it is.": (
        "점수와 조정된 분산이 주어졌을 때 참 평균을 뽑아 얻은 확률; 여럿 중 최고는 실제보다 좋아 보이므로 후보의 평균에 공통 "
        "정규 사전 분포를 둡니다 (Gelman et al. 2013, 5.4절)."
    ),
    "Against a baseline": "기준에 비해",
    "Two-sided paired t-tests (scipy.stats.ttest_1samp), from 3 replicates on, corrected by Holm (1979; statsmodels "
    "multipletests) over the comparisons with the baseline. Effect size g: mean difference in standard deviations of the "
    "differences (Cohen 1988, d_z), corrected for small samples (Hedges 1981).": (
        "반복 3개부터 양측 대응 t-검정 (scipy.stats.ttest_1samp), 기준과의 비교에 대해 Holm으로 보정 (1979; statsmodels "
        "multipletests). 효과 크기 g: 차이의 표준 편차로 나타낸 평균 차이 (Cohen 1988, d_z), 작은 표본에 대해 보정 (Hedges "
        "1981)."
    ),
    "Do the levels differ at all?": "수준 사이에 차이가 있는가?",
    "F-test within replicates (Fisher 1925; statsmodels AnovaRM); it supposes that all differences between two levels "
    "have the same variance.": (
        "반복 안의 F-검정 (Fisher 1925; statsmodels AnovaRM); 두 수준의 모든 차이의 분산이 같다고 가정합니다."
    ),
    "η² from sums of squares of type II (Yates 1934; statsmodels least squares), of what seed and split leave to explain. "
    "They describe these levels: other levels give other shares.": (
        "제2종 제곱합의 η² (Yates 1934; statsmodels 최소 제곱), 시드와 분할이 설명하고 남은 것 중의 비율. 이 수준들에 대한 "
        "것입니다: 수준이 다르면 비율도 다릅니다."
    ),
    "Replicates needed": "필요한 반복",
    "After which a comparison is decided with 80% power, by the noncentral t (Cohen 1988). It takes the difference that "
    "was seen for the true one, so it is a plan, not a promise.": (
        "비교가 80% 검정력으로 판정되는 반복 수, 비중심 t로 계산 (Cohen 1988). 관측된 차이를 참 차이로 여기므로 약속이 아니라 "
        "계획입니다."
    ),
    "Failed and missing trials": "실패한 시행과 없는 시행",
    "A combination in which one level failed counts for none of the levels, so that all are compared on equal terms. "
    "Replicates that are not finished are not used yet.": (
        "한 수준이 실패한 조합은 어느 수준에도 세지 않아 모두 같은 조건으로 비교합니다. 끝나지 않은 반복은 아직 쓰지 않습니다."
    ),
    "PED-ANOVA": "PED-ANOVA",
    "Importance for being among the best tenth of trials (Watanabe, Bansal & Hutter 2023), by Optuna.": (
        "상위 10분의 1에 드는 데 대한 중요도 (Watanabe, Bansal & Hutter 2023), Optuna로 계산."
    ),
    "fANOVA": "fANOVA",
    "Share of the variance over the whole range, by a random forest (Hutter, Hoos & Leyton-Brown 2014), by Optuna.": (
        "전체 범위에서 차지하는 분산 비율, 랜덤 포레스트로 추정 (Hutter, Hoos & Leyton-Brown 2014), Optuna로 계산."
    ),
    "Saved by pruning": "가지치기로 아낀 것",
    "Epochs that pruned trials did not train; seconds by each trial's own epochs. Early stopping might have ended some of "
    "them too.": (
        "가지치기된 시행이 학습하지 않은 에포크; 초는 각 시행의 에포크로 계산. 조기 종료도 일부를 끝냈을 수 있습니다."
    ),
    "No p-values": "p 값 없음",
    "The sampler prefers regions that were good before, so trials are not independent, and each has only one seed.": (
        "샘플러는 전에 좋았던 영역을 선호하므로 시행이 독립이 아니며, 각각 시드가 하나뿐입니다."
    ),
    "A figure of one training is compared with the 95 % prediction interval for one more training of ours, mean ± t · s · "
    "√(1 + 1/n) (Hahn & Meeker 1991). A figure that was the best of many trainings is too high for that.": (
        "한 번 학습한 값은 우리가 한 번 더 학습할 때의 95 % 예측 구간, 평균 ± t · s · √(1 + 1/n)과 비교합니다 (Hahn & Meeker "
        "1991). 여러 학습 중 최고였던 값은 그러기에 너무 높습니다."
    ),
    "Vanishing gradient": "기울기 소실",
    "A first layer that gets a small share of the last one's gradient hardly learns (Hochreiter 1991). Initial weights "
    "that keep the variance from layer to layer keep the gradient: Glorot & Bengio (2010) for tanh, He et al. (2015) for "
    "ReLU.": (
        "마지막 층 기울기의 작은 일부만 받는 첫 층은 거의 학습하지 못합니다 (Hochreiter 1991). 층마다 분산을 유지하는 초기 "
        "가중치는 기울기도 유지합니다: tanh에는 Glorot & Bengio (2010), ReLU에는 He et al. (2015)."
    ),
}
