"""What is found in detail, in whole sentences."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # numbers and lists
    "{number} {noun}": "{noun} {number}개",
    "{number} of {all}": "{all}개 중 {number}개",
    "{name} ({part} of {all})": "{name} ({all}개 중 {part}개)",
    "{first} and {last}": "{first} 및 {last}",
    "{first} and {number} more": "{first} 외 {number}개",
    "cell": "셀",
    "cells": "셀",
    "combination": "조합",
    "combinations": "조합",
    "complete trial": "완료된 시행",
    "complete trials": "완료된 시행",
    "epoch": "에포크",
    "finalist": "최종 후보",
    "finalists": "최종 후보",
    "replicates": "반복",
    "seed": "시드",
    "seeds": "시드",
    "it": "같은 설정",
    # a grid
    "The best configuration is {name}: mean {metric} {value}{sure}.": (
        "가장 좋은 설정은 {name}: 평균 {metric} {value}{sure}."
    ),
    ", one replicate": ", 반복 한 번",
    ", 95 % interval {where} {interval}, {replicates} replicates": ", {where} 95 % 구간 {interval}, 반복 {replicates}번",
    " All replicates are validated on the same rows, so nothing is claimed of new data.": (
        " 모든 반복을 같은 행으로 검증하므로 새 데이터에 대해서는 아무것도 주장하지 않습니다."
    ),
    " Ruled out on these data: {worse}; shown to be worse on new data of this kind, too: {also} (corrected resampled "
    "t-test).": (
        " 이 데이터에서 제외된 것: {worse}개; 같은 종류의 새 데이터에서도 더 나쁨이 확인된 것: {also}개 (보정된 재표집 t-검정)."
    ),
    " (on new data, too)": " (새 데이터에서도)",
    "Overfitting depends on {factor}: with {most} the validation loss is lowest after epoch {turn} on average and rises by "
    "{high} until the last one; with {least} it rises by {low}. The gap between training and validation ({metric}) is "
    "{high_gap} and {low_gap}. At each training's best epoch the levels lie within {apart}": (
        "과적합은 {factor}에 달려 있습니다: {most}에서는 검증 손실이 평균 에포크 {turn} 뒤에 가장 낮고 끝까지 {high} 오르며, "
        "{least}에서는 {low} 오릅니다. 학습과 검증의 격차({metric})는 {high_gap} 및 {low_gap}. 각 학습의 최적 에포크에서 "
        "수준들의 차이는 {apart} 이내"
    ),
    ", so stopping early does as well.": "이므로, 조기 종료로도 충분합니다.",
    ", {diverged} of which diverged": ", 그중 {diverged}번 발산",
    "Trained again on these data it is the best one of all with a probability of {probability}, and expected to be "
    "{regret} behind the best.": (
        "같은 데이터로 다시 학습하면 {probability}의 확률로 전체 최고이며, 최고와의 기대 차이는 {regret}입니다."
    ),
    "{factor}: {level} has the best mean {metric}, {value}{over}.": (
        "{factor}: {level}의 평균 {metric}이(가) 가장 좋습니다, {value}{over}."
    ),
    ", averaged over {number} combinations of the other factors": " (다른 요인의 조합 {number}개에 대한 평균)",
    "{level} differs by {difference}; ": "{level}의 차이는 {difference}; ",
    "{behind}one replicate says nothing of whether that is more than chance.": (
        "{behind}반복 한 번으로는 우연 이상의 차이인지 알 수 없습니다."
    ),
    "As good within {practical}: ": "차이 {practical} 이내로 동등함: ",
    "Undecided: ": "미결정: ",
    "Worse: ": "더 나쁨: ",
    "{level} by {replicates}": "{level}에는 {replicates}번",
    "Decided, if the difference is as seen (80 % power): {levels} replicates.": (
        "차이가 관측된 대로라면 판정에 필요한 반복 (검정력 80 %): {levels}."
    ),
    "Against the baseline {baseline}: {levels}.": "기준 {baseline}에 비해: {levels}.",
    "No difference to the baseline {baseline} is shown for {levels}.": (
        "기준 {baseline}와(과)의 차이가 확인되지 않음: {levels}."
    ),
    "{level} {difference} (95 % interval {interval}, {p})": "{level} {difference} (95 % 구간 {interval}, {p})",
    "{one} and {other} depend on each other: their interaction is {share} of what the factors explain. Do not choose "
    "{one} by its average over {other}; look at the combinations{best}.": (
        "{one}와(과) {other}은(는) 서로 의존합니다: 요인이 설명하는 것의 {share}이(가) 상호작용입니다. {other}에 대한 "
        "평균으로 {one}을(를) 고르지 말고 조합을 보십시오{best}."
    ),
    ": each {factor} with the levels that suit it best reaches {low} to {high}": (
        ": 각 {factor}은(는) 가장 잘 맞는 수준과 함께 {low} ~ {high}에 이릅니다"
    ),
    "The study was extended after a look at its results, so each of {looks} looks may rule out the best one in {share} "
    "of studies only (Bonferroni).": (
        "결과를 본 뒤에 연구를 연장했으므로, {looks}번의 확인 각각은 연구의 {share}에서만 최고를 잘못 제외할 수 있습니다 "
        "(Bonferroni)."
    ),
    "{trials} of the grid {verb} not trained yet. Compared are the {finished} of {planned} replicates whose every cell "
    "has ended; the rest waits.": (
        "격자의 {trials}가 아직 학습되지 않았습니다. 모든 셀이 끝난 반복 {planned}개 중 {finished}개만 비교합니다."
    ),
    "{levels} failed too often to be compared on equal terms.": (
        "{levels}은(는) 너무 자주 실패하여 같은 조건으로 비교할 수 없습니다."
    ),
    "{factor} is compared over {number} of {all} combinations of the other factors: those in which all its levels could "
    "be trained.": (
        "{factor}은(는) 다른 요인의 조합 {all}개 중 모든 수준을 학습할 수 있었던 {number}개에서 비교합니다."
    ),
    "Any of the {number} that are equivalent will do; the cheapest is {name}, with {parameters} parameters and {time} of "
    "training.": (
        "동등한 {number}개 중 어느 것이든 좋습니다; 가장 저렴한 것은 {name}, 매개변수 {parameters}개, 학습 {time}."
    ),
    # what was in the way, and the cost
    "No trial is complete, so there is nothing to compare.": "완료된 시행이 없어 비교할 것이 없습니다.",
    "{failed} of {trials} failed{several}: {reason}": "{trials} 중 {failed}개 실패{several}: {reason}",
    " (the most common of {number} reasons)": " (이유 {number}가지 중 가장 흔한 것)",
    "Trials fail above all with {levels}. Means are over what could be trained, so a level that fails often looks better "
    "than it is.": (
        "특히 {levels}에서 실패합니다. 평균은 학습할 수 있었던 것만 포함하므로, 자주 실패하는 수준은 실제보다 좋아 "
        "보입니다."
    ),
    "{trials} ended with a value that is not finite; counted as failed.": (
        "{trials}가 유한하지 않은 값으로 끝나 실패로 계산합니다."
    ),
    "It has no network and counts with the scores of the constant predictor.": (
        "신경망이 없으므로 상수 예측기의 점수로 계산합니다."
    ),
    "They have no network and count with the scores of the constant predictor.": (
        "신경망이 없으므로 상수 예측기의 점수로 계산합니다."
    ),
    "{diverged} of {trials} diverged{above_all}: the loss became infinite or NaN. {they_count}": (
        "{trials} 중 {diverged}개 발산{above_all}: 손실이 무한대 또는 NaN이 되었습니다. {they_count}"
    ),
    ", above all with {levels}": ", 특히 {levels}",
    "{trials} with {epochs} took {time} of training{compiling}{span}.": (
        "{trials}, {epochs}의 학습에 {time} 걸렸습니다{compiling}{span}."
    ),
    " ({time} of it compiling)": " (그중 컴파일 {time})",
    ", {time} from the first start to the last end": ", 처음 시작부터 마지막 끝까지 {time}",
    # the test split and baselines
    "On the {rows} rows of the test split, {name} reaches {metric} {value}{sure}, {difference} against its validation.": (
        "테스트 분할 {rows}행에서 {name}의 {metric}은(는) {value}{sure}, 검증과의 차이는 {difference}입니다."
    ),
    " (95 % interval over {seeds} seeds {interval})": " (시드 {seeds}개에 대한 95 % 구간 {interval})",
    " (one seed)": " (시드 한 개)",
    "{networks} {value} (95 % interval {low} to {high}).": "{networks} {value}에 이릅니다 (95 % 구간 {low} ~ {high}).",
    "The networks together reach": "신경망들은 함께",
    "This network reaches": "이 신경망은",
    " This score is older than the choice: it is of {noun} {seeds}, and now {name} is chosen with {now}. {command} scores "
    "that.": (
        " 이 점수는 선택보다 오래된 것입니다: {noun} {seeds}의 점수이며, 지금은 {name}이(가) {now}로 선택되었습니다. "
        "{command} 명령으로 다시 채점하십시오."
    ),
    " Studies in this database have scored the test split of this dataset {times} times: the more often, the less it says "
    "of new data.": (
        " 이 데이터베이스의 연구들은 이 데이터셋의 테스트 분할을 {times}번 채점했습니다: 자주 쓸수록 새 데이터에 대해 "
        "말해 주는 것이 적어집니다."
    ),
    "Without a network: {predictor} {value}": "신경망 없이: {predictor} {value}",
    ", fitted on {fitted} of {all} training rows": ", 학습 행 {all}개 중 {fitted}개로 적합",
    "; on the test split {metric} {constant} and {linear}": "; 테스트 분할의 {metric} {constant} 및 {linear}",
    # a search
    "The best trial is {number}: {metric} {value} with {levels}.": "가장 좋은 시행은 {number}: {metric} {value}, {levels}.",
    " The second, trial {number}, reached {value}.": " 두 번째인 시행 {number}은(는) {value}에 이르렀습니다.",
    " Each is one training with one seed: differences as small as those between seeds mean nothing.": (
        " 각각 시드 하나로 한 번 학습한 것이므로, 시드 사이의 차이만큼 작은 차이는 의미가 없습니다."
    ),
    "On the Pareto front, no other trial is better in one objective without being worse in another.": (
        "파레토 경계에서는 한 목표가 더 좋으면서 다른 목표가 더 나쁘지 않은 시행이 없습니다."
    ),
    "The scores that made {finalists} were lucky: under fresh seeds they are {gap} worse, mean over all. The choice is by "
    "the fresh seeds alone.": (
        "{finalists}를 고른 점수에는 운이 있었습니다: 새 시드에서는 평균 {gap}만큼 더 나쁩니다. 선택은 새 시드만으로 "
        "합니다."
    ),
    "Which factors matter cannot be said from {trials}: that takes {needed}, with different values.": (
        "{trials}로는 어떤 요인이 중요한지 말할 수 없습니다: 값이 서로 다른 시행 {needed}개가 필요합니다."
    ),
    "To be among the best trials it matters most to choose {factors} well (PED-ANOVA; its range over random parts of "
    "{trials}).": (
        "좋은 시행에 들려면 {factors}을(를) 잘 고르는 것이 가장 중요합니다 (PED-ANOVA; {trials}의 무작위 부분에 대한 범위)."
    ),
    "{factor} ({low} to {high} %)": "{factor} ({low} ~ {high} %)",
    "The very last trial was the best one: the search has not settled, and more trials may do better.": (
        "마지막 시행이 가장 좋았습니다: 탐색이 아직 수렴하지 않았으며, 시행을 늘리면 더 좋아질 수 있습니다."
    ),
    "The best trial was followed by {number} that were not better.": (
        "가장 좋은 시행 다음의 {number}개는 더 좋지 않았습니다."
    ),
    "Pruning ended {trials} early and saved {epochs} ({share} of theirs), about {time} of training.": (
        "가지치기로 {trials}를 일찍 끝내 {epochs}(그 {share}), 학습 약 {time}을 아꼈습니다."
    ),
    "Scores after epoch {epoch} foretold the last ones with a rank correlation of {correlation} over {trials}{gamble}.": (
        "에포크 {epoch} 뒤의 점수와 마지막 점수의 순위 상관은 {correlation}입니다 ({trials}){gamble}."
    ),
    ": pruning there is a gamble": ": 그때의 가지치기는 도박입니다",
    "{number} of {trials} {repeat} an earlier configuration and {were} not trained again.": (
        "{trials} 중 {number}개는 이전 설정과 같아 다시 학습하지 않았습니다."
    ),
    "The best {factor}, {level}, lies at the {end} of its range: a wider range may hold better ones.": (
        "가장 좋은 {factor} {level}은(는) 범위의 {end}에 있습니다: 범위를 넓히면 더 좋은 값이 있을 수 있습니다."
    ),
    "{factor} that won, over replicates: {levels}.": "반복마다 이긴 {factor}: {levels}.",
    # published figures
    "Published: {figures}{more}.": "발표된 값: {figures}{more}.",
    "{metric} {value}{of}, ours {ours} ({difference})": "{metric} {value}{of}, 우리 {ours} ({difference})",
    " of {levels}": " ({levels})",
    "; and {number} more": "; 그 밖에 {number}개",
    " It lies where one more training of ours would (95 % prediction interval).": (
        " 한 번 더 학습한 값이 놓일 곳에 있습니다 (95 % 예측 구간)."
    ),
    " It lies not where one more training of ours would (95 % prediction interval).": (
        " 한 번 더 학습한 값이 놓일 곳에 있지 않습니다 (95 % 예측 구간)."
    ),
    " {figures} lie where one more training of ours would (95 % prediction interval).": (
        " {figures}는 한 번 더 학습한 값이 놓일 곳에 있습니다 (95 % 예측 구간)."
    ),
    "Both": "둘 다",
    "All {number}": "{number}개 모두",
    "yes": "예",
    "no": "아니요",
    "no complete trial": "완료된 시행 없음",
    # inside the network
    "At the start the gradient reaches the first layer {where}: it is {ratio} the last layer's{or_more}.": (
        "시작할 때 기울기가 {where} 첫 층에 이릅니다: 마지막 층의 {ratio}{or_more}입니다."
    ),
    "in every configuration": "모든 설정에서",
    "with {levels}": "{levels}에서",
    " or more": " 이상",
    "At the start, with {levels}, {gradient}{remedies}.": "시작할 때 {levels}에서, {gradient}{remedies}.",
    "no gradient reaches the first layer": "기울기가 첫 층에 이르지 않습니다",
    "the gradient of the first layer is {ratio} the last layer's": "첫 층의 기울기는 마지막 층의 {ratio}입니다",
    "{ratio} of": "{ratio}",
    "{ratio} times": "{ratio}배",
    "{level} alone makes it {ratio}": "{level}만으로 {ratio}이(가) 됩니다",
    "in the best configuration it is {ratio}": "가장 좋은 설정에서는 {ratio}입니다",
    "The gradient explodes with {levels}: at the start its norm is {norm}{others}.": (
        "{levels}에서 기울기가 폭발합니다: 시작할 때 노름이 {norm}입니다{others}."
    ),
    " ({number} of {all} configurations are above {limit})": " (설정 {all}개 중 {number}개가 {limit}을(를) 넘음)",
    "Most idle units: with {levels} {share} of the hidden units are {idle} after training, {before} at the start.": (
        "쉬는 유닛이 가장 많은 곳: {levels}에서 은닉 유닛의 {share}이(가) 학습 뒤 {idle} 상태이며, 시작할 때는 "
        "{before}입니다."
    ),
    "dead": "죽은",
    "saturated": "포화된",
    "dead or saturated": "죽거나 포화된",
    # the declaration
    "grid of {cells} × {replicates}": "격자: {cells} × {replicates}",
    "{least} to {most} replicates": "반복 {least} ~ {most}개",
    "{cells} × {replicates}, each a search of {trials} over {tuned}, sampler {sampler}; each winner confirmed": (
        "{cells} × {replicates}, 각각 {tuned}에 대한 {trials}의 탐색, 샘플러 {sampler}; 이긴 설정을 확인 학습"
    ),
    "search of {trials}, sampler {sampler}{pruner}{given}": "{trials}의 탐색, 샘플러 {sampler}{pruner}{given}",
    ", pruner {pruner}": ", 가지치기 {pruner}",
    ", {number} given first": ", 먼저 시도할 설정 {number}개",
    "maximize": "최대화",
    "minimize": "최소화",
    "defaults": "기본값",
}
