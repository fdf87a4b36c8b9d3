"""Titles, axes, legends and captions of tables and figures."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # all configurations
    "All configurations, the best first": "모든 설정, 좋은 순서",
    "Those that may be the best, from nearby": "최고일 수 있는 설정, 확대",
    "bars: 95 % intervals {where}.": "막대: {where} 95 % 구간.",
    "on new data of this kind": "같은 종류의 새 데이터에 대한",
    "on these data": "이 데이터에 대한",
    "one replicate, so no intervals.": "반복이 한 번이라 구간이 없습니다.",
    "Colours: verdicts on training again on these data.": "색: 같은 데이터로 다시 학습할 때의 판정.",
    " The best {shown} of {all}.": " {all}개 중 가장 좋은 {shown}개.",
    " Dotted: {names}.": " 점선: {names}.",
    "{what}: mean {metric}": "{what}: 평균 {metric}",
    "Mean {metric} by {down} and {across}": "{down}와(과) {across}별 평균 {metric}",
    "Mean {metric} of each combination; brighter is better.": "각 조합의 평균 {metric}; 밝을수록 좋습니다.",
    "Mean over n replicates with its 95 % interval {where}. The other columns are about training again on these data. "
    "Equivalent: within {practical} of the best one with a probability of at least 95 %. Worse: ruled out as the best "
    "(multiple comparisons with the best, family error 5 %); on new data, by the corrected resampled t-test. Best with: "
    "probability of being the best. Within practical: probability of lying within {practical} of it.": (
        "n번 반복의 평균과 {where} 95 % 구간. 나머지 열은 같은 데이터로 다시 학습할 때에 관한 것입니다. 동등함: 95 % 이상의 "
        "확률로 최고와의 차이가 {practical} 이내. 더 나쁨: 최고가 아님이 확인됨 (최고와의 다중 비교, 전체 오류 5 %); 새 "
        "데이터에서는 보정된 재표집 t-검정. 최고일 확률. 실용 범위: 최고와의 차이가 {practical} 이내일 확률."
    ),
    # tables of a grid
    "baseline {level}": "기준 {level}",
    "one configuration each": "설정 하나씩",
    "{combinations} of the other factors": "다른 요인의 {combinations}",
    " Intervals of differences and paired t-tests over {n} replicates, p corrected for all comparisons.": (
        " 차이의 구간과 반복 {n}개에 대한 대응 t-검정, p는 모든 비교에 대해 보정."
    ),
    " Do the levels differ at all? {p} (F-test).": " 수준 사이에 차이가 있는가? {p} (F-검정).",
    "Means over {over}, with 95 % intervals {where}.{tests} Verdicts are about training again on these data: "
    "equivalent within {practical} of the best level, worse, or undecided.{any_effect} “At its best” is the mean of the "
    "level's best configuration. “Replicates needed” would decide it, if the difference is as seen, with 80 % power.": (
        "{over}에 대한 평균과 {where} 95 % 구간.{tests} 판정은 같은 데이터로 다시 학습할 때에 관한 것입니다: "
        "최고 수준과의 차이가 {practical} 이내로 동등함, 더 나쁨, 또는 미결정.{any_effect} “최선일 때”는 그 수준의 가장 "
        "좋은 설정의 평균. “필요한 반복”은 차이가 관측된 대로일 때 80 % 검정력으로 판정하는 데 필요한 수."
    ),
    "Shares of the sum of squares over all trials (analysis of variance, type II) that seed and split, which replicates "
    "share, leave to explain. A × B is what the two do together beyond each alone; the rest is chance and higher "
    "interactions.": (
        "반복이 공유하는 시드와 분할을 뺀, 모든 시행의 제곱합 비율 (분산 분석, 제2종). A × B는 각각을 넘어 둘이 함께 "
        "하는 것; 나머지는 우연과 고차 상호작용."
    ),
    "rest": "나머지",
    "The interaction is {share} of the variance. Means over replicates{others}.{missing}": (
        "상호작용은 분산의 {share}입니다. 반복{others}에 대한 평균.{missing}"
    ),
    " and the other factors": "과 다른 요인",
    " A dash: no trial of this combination could be compared.": " 줄표: 이 조합에는 비교할 수 있는 시행이 없습니다.",
    "last training {metric}": "마지막 학습 {metric}",
    "last {metric}": "마지막 {metric}",
    "best {metric}": "최고 {metric}",
    "Means over complete trials. The gap is how much better the training score is than the validation score after the "
    "last epoch: overfitting. “In epoch” is where validation was best.": (
        "완료된 시행에 대한 평균. 격차는 마지막 에포크 뒤에 학습 점수가 검증 점수보다 얼마나 좋은가, 곧 과적합입니다. "
        "“에포크”는 검증이 가장 좋았던 곳."
    ),
    # figures of a grid
    "{metric} by {factor}": "{factor}별 {metric}",
    "Mean {metric} by {factor}; ": "{factor}별 평균 {metric}; ",
    "bars: 95 % t-intervals over {n} replicates.": "막대: 반복 {n}개에 대한 95 % t-구간.",
    "Differences of {metric} by {factor}": "{factor}별 {metric} 차이",
    "Differences to {reference} on the same replicates; ": "같은 반복에서 {reference}와(과)의 차이; ",
    " Zero is no difference.": " 0은 차이 없음.",
    "Interaction of {along} and {line}": "{along}와(과) {line}의 상호작용",
    "Mean {metric} by {along}, a line for each {line}; bars: 95 % t-intervals. Lines that are not parallel are an "
    "interaction, here {share} of the variance.": (
        "{along}별 평균 {metric}, {line}마다 선 하나; 막대: 95 % t-구간. 평행하지 않은 선은 상호작용이며, 여기서는 분산의 "
        "{share}."
    ),
    "mean over trials": "시행에 대한 평균",
    "each {factor} with the levels of the other factors that suit it best": (
        "각 {factor}을(를) 가장 잘 맞는 다른 요인의 수준과 함께"
    ),
    "One replicate.": "반복 한 번.",
    "Bands: 95 % t-intervals over replicates.": "띠: 반복에 대한 95 % t-구간.",
    "{metric} by epoch and {factor}": "에포크와 {factor}별 {metric}",
    "Validation by epoch, {over}. ": "에포크별 검증, {over}. ",
    "training {metric}": "학습 {metric}",
    "Training {metric} by epoch and {factor}": "에포크와 {factor}별 학습 {metric}",
    "Training by epoch, {over}, measured while the weights change, with dropout on. ": (
        "에포크별 학습, {over}, 드롭아웃을 켠 채 가중치가 바뀌는 동안 측정. "
    ),
    "Gap between training and validation by epoch and {factor}": "에포크와 {factor}별 학습과 검증의 격차",
    "Gap: how much better training is than validation. Growing means overfitting.": (
        "격차: 학습이 검증보다 얼마나 좋은가. 커지면 과적합입니다."
    ),
    " The first {shown} of {all} levels.": " 수준 {all}개 중 처음 {shown}개.",
    "training time, s": "학습 시간, 초",
    "parameters of the network": "신경망의 매개변수",
    "{metric} against {label}": "{label}에 따른 {metric}",
    "{metric} against {label}, a point for each configuration (mean over replicates) or trial.": (
        "{label}에 따른 {metric}, 설정(반복의 평균) 또는 시행마다 점 하나."
    ),
    "{what}, from nearby": "{what}, 확대",
    " From nearby: what lies far off is left out.": " 확대: 멀리 떨어진 것은 뺐습니다.",
    # a search
    "Pareto front": "파레토 경계",
    "other trials": "다른 시행",
    "Pareto front, {number} trials": "파레토 경계, 시행 {number}개",
    "Pareto front of {one} and {other}": "{one}와(과) {other}의 파레토 경계",
    "The front: trials that no other trial dominates; behind them, all complete trials.": (
        "경계: 다른 어떤 시행도 지배하지 않는 시행; 그 뒤에 완료된 모든 시행."
    ),
    "The first {shown} of {trials}, each one training with the study's seed{left_out}.": (
        "{trials} 중 처음 {shown}개, 각각 연구의 시드로 한 번 학습{left_out}."
    ),
    "; {number} that repeat others are left out": "; 다른 것을 되풀이한 {number}개는 제외",
    "The best configurations of the search, each trained again under the same fresh seeds and splits. The mean is over "
    "these alone, with its interval on new data; the verdict is about training again on these data. “In the search” is "
    "the score that made it a finalist.": (
        "탐색에서 가장 좋은 설정들을 같은 새 시드와 분할로 다시 학습했습니다. 평균은 이것만의 것이며 새 데이터에 대한 "
        "구간이 있습니다; 판정은 같은 데이터로 다시 학습할 때에 관한 것. “탐색에서”는 최종 후보가 된 점수."
    ),
    "By Optuna over {trials}, pruned ones left out. PED-ANOVA: for being among the best tenth; from and to: its range "
    "over 20 random parts of two thirds of the trials. fANOVA: share of the variance over the whole range, for factors "
    "that every trial has. All are estimates, and rough ones below a hundred trials.": (
        "Optuna로 계산, {trials}, 가지치기된 것은 제외. PED-ANOVA: 상위 10분의 1에 드는 데 대한 중요도; 부터와 까지: "
        "시행 3분의 2의 무작위 부분 20개에 대한 범위. fANOVA: 모든 시행에 있는 요인이 전체 범위에서 차지하는 분산 비율. "
        "모두 추정값이며, 시행이 백 개보다 적으면 거칩니다."
    ),
    "{metric} by trial": "시행별 {metric}",
    "The course of the search: every trial in the order in which they started.": "탐색의 경과: 시작한 순서대로 모든 시행.",
    "complete ●": "완료 ●",
    "best so far —": "지금까지 최고 —",
    "pruned ×, value when it ended": "가지치기 ×, 끝났을 때의 값",
    "Slice: {metric} of every complete trial by {factor}; later trials are lighter.": (
        "단면: {factor}에 따른 완료된 모든 시행의 {metric}; 나중 시행일수록 밝음."
    ),
    "{metric} over {one} and {other}": "{one}와(과) {other}에 따른 {metric}",
    "Contour: {metric} between the trials (points), interpolated linearly over the two main ranges.": (
        "등고선: 두 주요 범위에서 시행(점) 사이의 {metric}을(를) 선형으로 보간."
    ),
    "Parallel coordinates of {metric}": "{metric}의 평행 좌표",
    "Parallel coordinates: each line is a complete trial{only_best}. A line has a gap where a factor does not exist. "
    "Marks name the levels, or the two ends of a range.": (
        "평행 좌표: 선 하나가 완료된 시행 하나{only_best}. 요인이 없는 곳에서 선이 끊깁니다. 표시는 수준 또는 범위의 양 끝."
    ),
    ", of the best {number}": " (가장 좋은 {number}개)",
    "best {number} by {metric}": "{metric} 상위 {number}개",
    "others": "나머지",
    # tuning
    "{metric} of its confirmation": "확인 학습의 {metric}",
    "The nuisance levels with the best score of each search, trained once more under a seed and split that no search has. "
    "Levels that lie close together over replicates say that it matters to hit them.": (
        "각 탐색에서 점수가 가장 좋은 조정 요인의 수준을, 어떤 탐색에도 없는 시드와 분할로 한 번 더 학습했습니다. "
        "반복마다 가까운 수준이 나오면 그 값을 맞추는 것이 중요합니다."
    ),
    "trials of a search": "탐색의 시행",
    "best {metric} so far": "지금까지 최고 {metric}",
    "Best {metric} by number of trials": "시행 수에 따른 최고 {metric}",
    "The best score of a search after so many trials, mean over replicates; bands: 95 % t-intervals. A line that still "
    "rises at its end says that more trials would find better ones.": (
        "시행 수에 따른 탐색의 최고 점수, 반복에 대한 평균; 띠: 95 % t-구간. 끝에서도 오르는 선은 시행을 늘리면 더 좋은 "
        "것을 찾는다는 뜻입니다."
    ),
    "Every complete trial of the searches by {factor}; the line joins medians of tenths of the range. A narrow peak says "
    "that a level stands or falls with this factor.": (
        "{factor}에 따른 탐색의 완료된 모든 시행; 선은 범위를 열로 나눈 중앙값을 잇습니다. 봉우리가 좁으면 이 요인이 "
        "결정적입니다."
    ),
    # the test split, baselines, published figures
    "{metric} of the chosen configuration": "선택한 설정의 {metric}",
    "seed {seed}": "시드 {seed}",
    "mean": "평균",
    "ensemble": "앙상블",
    "probabilities": "확률",
    "numbers": "예측한 수",
    "Chosen by validation ({metric}), then scored once on {rows} test rows. The mean's interval is over seeds (Student "
    "1908): how much trainings differ. The ensemble averages the {averaged}; its interval is over rows ({source}): how "
    "much another test split would differ.": (
        "검증({metric})으로 선택한 뒤 테스트 {rows}행으로 한 번 채점했습니다. 평균의 구간은 시드에 대한 것 (Student 1908): "
        "학습마다 얼마나 다른가. 앙상블은 {averaged}을(를) 평균합니다; 그 구간은 행에 대한 것 ({source}): 다른 테스트 "
        "분할이라면 얼마나 다를 것인가."
    ),
    "Scores of the ensemble, by scikit-learn. Precision: of the rows predicted as this class, the share that is in it. "
    "Recall: of the rows in it, the share predicted as it. F1: their harmonic mean.": (
        "앙상블의 점수, scikit-learn으로 계산. 정밀도: 이 클래스로 예측한 행 중 맞는 비율. 재현율: 이 클래스의 행 중 그렇게 "
        "예측한 비율. F1: 둘의 조화 평균."
    ),
    "predicted {name}": "예측한 {name}",
    "Test rows by their true class (rows) and the class that the ensemble predicted (columns). The stronger the colour, "
    "the larger the share of its row.": (
        "실제 클래스(행)와 앙상블이 예측한 클래스(열)별 테스트 행. 색이 진할수록 그 행에서 차지하는 비율이 큽니다."
    ),
    "On the test rows, in the unit of the target. RMSE: the root of the mean squared error. R²: the share of the target's "
    "variance that is explained; 0 is as good as the mean. Intervals are over rows (bootstrap, Efron 1979).": (
        "테스트 행에서, 목표의 단위로. RMSE: 평균 제곱 오차의 제곱근. R²: 목표의 분산 중 설명된 비율; 0은 평균만큼 좋음. "
        "구간은 행에 대한 것 (부트스트랩, Efron 1979)."
    ),
    "actual {name}": "실제 {name}",
    "actual − predicted": "실제 − 예측",
    "Predicted and actual {name}": "예측한 {name}와(과) 실제 {name}",
    "Each point is a row of the test split; on the line, the ensemble is right.": (
        "점 하나가 테스트 분할의 한 행; 선 위에서 앙상블이 맞습니다."
    ),
    "Residuals": "잔차",
    "How much larger the actual number is than the predicted one. A bend or a funnel means that the network misses "
    "something: a dependence, or where rows are harder to predict.": (
        "실제 수가 예측한 수보다 얼마나 큰가. 휘거나 벌어지는 모양은 신경망이 놓친 것이 있다는 뜻입니다: 어떤 의존 관계, "
        "또는 예측하기 어려운 행."
    ),
    "Residuals of {name}": "{name}의 잔차",
    "On the test rows; intervals are over rows. A network that is no better than the constant predictor has learned "
    "nothing.": ("테스트 행에서, 구간은 행에 대한 것. 상수 예측기보다 낫지 않은 신경망은 배운 것이 없습니다."),
    "All networks agree in the direction of the error; standard deviations are of the smallest of their errors.": (
        "모든 신경망의 오차 방향이 같습니다; 표준 편차는 그중 가장 작은 오차의 것."
    ),
    "test row": "테스트 행",
    "{rows} that every network takes for another class.": "모든 신경망이 다른 클래스로 본 {rows}.",
    " Rows have the numbers of their file, from 1, without its header; of a dataset with a test file, of that. Look at "
    "them: they are often wrong labels.": (
        " 행 번호는 파일의 것으로, 머리글을 빼고 1부터 셉니다; 테스트 파일이 있는 데이터셋에서는 그 파일의 번호. 살펴보십시오: "
        "흔히 잘못된 라벨입니다."
    ),
    "ROC curve of {name}": "{name}의 ROC 곡선",
    "How many rows of the class are found, by how many others are taken for it, at every threshold. The line is a network "
    "that knows nothing.": (
        "모든 문턱값에서, 다른 행을 얼마나 이 클래스로 보는가에 따라 이 클래스의 행을 얼마나 찾는가. 직선은 아무것도 모르는 "
        "신경망."
    ),
    "Area": "면적",
    "false positive rate": "거짓 양성률",
    "true positive rate": "참 양성률",
    "Precision against recall of {name}": "{name}의 재현율에 따른 정밀도",
    "Of the rows taken for the class, the share that is in it, by how many of its rows are found. The line is the share "
    "of the class, {share}.": (
        "이 클래스의 행을 얼마나 찾는가에 따라, 이 클래스로 본 행 중 맞는 비율. 직선은 이 클래스의 비율 {share}."
    ),
    "Average precision": "평균 정밀도",
    "Reliability of the probability of {name}": "{name} 확률의 신뢰도",
    "Test rows by tenths of the predicted probability: the share that is in the class. On the line, probabilities hold. "
    "The larger a point, the more rows. Expected calibration error (Naeini et al. 2015) {error}: how far from the line a "
    "row is on average.": (
        "예측 확률을 열로 나눈 테스트 행: 이 클래스인 비율. 직선 위에서 확률이 맞습니다. 점이 클수록 행이 많습니다. 기대 보정 "
        "오차 (Naeini et al. 2015) {error}: 한 행이 직선에서 평균적으로 떨어진 정도."
    ),
    " {what} {value} (95 % interval {ends}; bootstrap, Efron 1979).": " {what} {value} (95 % 구간 {ends}; 부트스트랩, Efron 1979).",
    "predicted probability": "예측 확률",
    "share of the class": "클래스의 비율",
    "loss": "손실",
    "of one split": "분할 하나",
    "means over {number} splits": "분할 {number}개에 대한 평균",
    "classes' shares": "클래스 비율",
    "Linear regression": "선형 회귀",
    "Logistic regression": "로지스틱 회귀",
    "On the rows and inputs of the chosen configuration, {over}. The constant predictor gives every row the {constant} of "
    "the training rows. {linear} with a penalty on squared weights is scikit-learn's with its defaults, fitted on "
    "{fitted} of {all} training rows.": (
        "선택한 설정의 행과 입력에서, {over}. 상수 예측기는 모든 행에 학습 행의 {constant}을(를) 줍니다. 제곱 가중치에 "
        "벌점을 둔 {linear}는 scikit-learn의 기본값이며, 학습 행 {all}개 중 {fitted}개로 적합했습니다."
    ),
    "training": "학습",
    "Ours: the mean over n replicates, after the last epoch (with early stopping the best one), with its t-interval. The "
    "difference is ours minus published. Most published figures are one training, so each is compared with where one more "
    "training of ours would lie (95 % prediction interval, Hahn & Meeker 1991); few replicates make that wide. {metric} "
    "is measured by {command}.": (
        "우리: 마지막 에포크(조기 종료라면 가장 좋은 에포크) 뒤, n번 반복의 평균과 t-구간. 차이는 우리 값에서 발표된 값을 "
        "뺀 것. 발표된 값은 대개 한 번의 학습이므로, 한 번 더 학습한 값이 놓일 곳(95 % 예측 구간, Hahn & Meeker 1991)과 "
        "비교합니다; 반복이 적으면 넓어집니다. {metric}은(는) {command}로 측정합니다."
    ),
    "{number} studies on {dataset}, best first": "{dataset}에 대한 연구 {number}개, 좋은 순서",
    "The best configuration of each study. It was chosen by these numbers, so all are a little optimistic, above all that "
    "of the study with most trials. Differences and paired t-tests over the seeds that two studies have in common, where "
    "both saw the same data; p corrected for the number of studies.": (
        "각 연구의 가장 좋은 설정. 이 수로 선택했으므로 모두 조금 낙관적이며, 시행이 가장 많은 연구가 특히 그렇습니다. "
        "차이와 대응 t-검정은 두 연구가 공유하는, 같은 데이터를 본 시드에 대한 것; p는 연구 수에 대해 보정."
    ),
    # divergence, failures
    "Trials whose loss became infinite or NaN, by level. They are complete, with the scores of the constant predictor, "
    "which gives every row the classes' shares of the training rows.": (
        "손실이 무한대 또는 NaN이 된 시행, 수준별. 모든 행에 학습 행의 클래스 비율을 주는 상수 예측기의 점수로 완료된 "
        "것으로 합니다."
    ),
    "Trials that ended without a result, by reason; reasons that differ only in numbers count as one.": (
        "결과 없이 끝난 시행, 이유별; 숫자만 다른 이유는 하나로 셉니다."
    ),
    # inside the network
    "Each network is examined with {rows} of its training rows, the same for all configurations of a replicate.{which} "
    "Gradient: Euclidean norm over a layer's weights of the mean loss without penalties.": (
        "각 신경망을 학습 행 {rows}개로 검사하며, 한 반복의 모든 설정에 같은 행을 씁니다.{which} 기울기: 벌점을 뺀 평균 "
        "손실의, 한 층의 가중치에 대한 유클리드 노름."
    ),
    " In a search, this is the best trial: {number}.": " 탐색에서는 가장 좋은 시행 {number}입니다.",
    "Geometric means of the gradient norms over n trials, before the first epoch (start) and after the last. Idle units "
    "are dead (ReLU and its relatives: never positive on these rows) or saturated (sigmoid, tanh: within 5 % of the range "
    "from a bound on more than half of the rows); mean over hidden layers and trials.": (
        "시행 n개에 대한 기울기 노름의 기하 평균, 첫 에포크 전(시작)과 마지막 에포크 뒤. 쉬는 유닛은 죽은 유닛(ReLU 계열: "
        "이 행들에서 한 번도 양수가 아님) 또는 포화된 유닛(sigmoid, tanh: 절반이 넘는 행에서 한계로부터 범위의 5 % 이내); "
        "은닉층과 시행에 대한 평균."
    ),
    "Inside the network, means over trials as above.": "신경망 내부, 위와 같이 시행에 대한 평균.",
    " The first {shown} of {all} configurations.": " 설정 {all}개 중 처음 {shown}개.",
    " with {levels}": " ({levels})",
    "without {factor}": "{factor} 없음",
    "start": "시작",
    "after training": "학습 뒤",
    "gradient norm": "기울기 노름",
    "Gradient norm by layer{where}": "층별 기울기 노름{where}",
    "Gradient norm by layer{where}, log scale: at the start (solid, marked) and after training (dashed). The last layer is "
    "the output.": ("층별 기울기 노름{where}, 로그 눈금: 시작(실선, 표시)과 학습 뒤(파선). 마지막 층은 출력층."),
    "Gradient norm by epoch{where}": "에포크별 기울기 노름{where}",
    "Gradient norm by epoch{where}, log scale: of the first layer (solid) and of the last one (dashed); epoch 0 is before "
    "training.": ("에포크별 기울기 노름{where}, 로그 눈금: 첫 층(실선)과 마지막 층(파선); 에포크 0은 학습 전."),
    "Activations by layer{where}": "층별 활성화{where}",
    "Activations by layer{where}, the first one at the bottom: at the start (line) and after training (filled). Heights: "
    "square root of the share of values, each curve to its own maximum.": (
        "층별 활성화{where}, 첫 층이 아래: 시작(선)과 학습 뒤(채움). 높이: 값의 비율의 제곱근, 곡선마다 그 최댓값 기준."
    ),
    # the page and the terminal
    "The table goes on: scroll sideways.": "표가 옆으로 이어집니다: 옆으로 스크롤하십시오.",
    " Further off: {names}.": " 멀리 떨어진 것: {names}.",
    " The darkest colour is {value} and worse.": " 가장 어두운 색은 {value} 및 그보다 나쁜 값.",
    "Written by hpstudy from the study database.": "hpstudy가 연구 데이터베이스에서 작성했습니다.",
    "More:": "자세히:",
    "{number} more rows, of lower rank, are in the report's page.": "순위가 낮은 {number}행은 보고서 페이지에 더 있습니다.",
}
