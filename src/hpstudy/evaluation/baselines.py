"""The scores of simple predictors on the rows of a study, which a network has to beat.

The constant predictor predicts for every row the shares of the classes in the training rows, or their mean. Logistic
regression (Cox 1958) with a penalty on squared weights, and for numbers ridge regression (Hoerl & Kennard 1970), are
those of scikit-learn, with its defaults, on the inputs of the network.
"""

from __future__ import annotations

import functools
import hashlib
import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import numpy as np
from numpy.typing import NDArray

from hpstudy.data.class_metrics import class_metrics
from hpstudy.data.constant import class_shares, number_scores, predictor_scores
from hpstudy.errors import HpstudyError, NotFoundError
from hpstudy.evaluation.evaluate import chosen_trials
from hpstudy.folders import write_whole
from hpstudy.records import Baselines, TrialRecord, TrialState
from hpstudy.settings import Settings
from hpstudy.study.factors import Config, Loss, loss_of
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    from hpstudy.data import Arrays, TestArrays
    from hpstudy.data.arrays import Standardization

MOST_SPLITS = 5  # over which scores are averaged
MOST_CELLS = 2_000_000  # training rows × inputs; with more, only one split is used
MOST_ROWS = 20_000  # drawn at random, on which logistic regression is fitted; one core needs a few seconds for them
_MOST_DENSE_CELLS = 20_000_000  # 80 MB
_ITERATIONS = 100  # of L-BFGS, at most
_CHUNK = 1024  # rows decoded at a time

_Parts = Mapping[str, tuple["Arrays | TestArrays", NDArray[Any]]]  # the prefix of a score's name → its rows


def find_baselines(study: Study, records: Sequence[TrialRecord], settings: Settings, *, test: bool) -> Baselines:
    """Score the baselines on the rows, splits and inputs of the chosen configuration.

    Args:
        test: Whether to score the test split as well, which only happens if the networks are scored on it.

    Raises:
        NotFoundError: no trial is complete, or the dataset is not on this machine and cannot be downloaded.
        UserError, StorageError: as in `data.prepare`.
    """
    from hpstudy import data

    config, seeds = _configuration(study, records)
    first = data.prepare(study.dataset, config, seeds[0], settings, study.splits)
    if len(first.train) * first.features > MOST_CELLS:
        seeds = seeds[:1]
    loss, found = loss_of(config), []
    for seed in seeds:
        arrays = data.prepare(study.dataset, config, seed, settings, study.splits)
        parts: dict[str, tuple[Arrays | TestArrays, NDArray[Any]]] = {
            "": (arrays, arrays.train),
            "val_": (arrays, arrays.validation),
        }
        if test:
            held_out = data.prepare_test(study.dataset, config, seed, settings, study.splits)
            parts["test_"] = (held_out, np.arange(len(held_out.y)))
        linear = _logistic if arrays.classes else _ridge
        fitted = _drawn(arrays, seed)
        of_linear = _remembered(
            settings.cache_dir / "baselines",
            _key(arrays, fitted, parts, loss),
            functools.partial(linear, arrays, fitted, parts, loss),
        )
        found.append((_constant(arrays, parts, loss), of_linear))
    linear_means = _means([linear for _, linear in found])
    return Baselines(
        seeds=tuple(seeds),
        loss=loss,
        constant=_means([constant for constant, _ in found]),
        logistic=linear_means if first.classes else {},
        ridge={} if first.classes else linear_means,
        fitted_rows=len(_drawn(first, seeds[0])),
        train_rows=len(first.train),
        at=time.time(),
    )


def _key(arrays: Arrays, fitted: NDArray[np.int32], parts: _Parts, loss: Loss) -> str:
    """A digest of everything that decides the scores of a linear predictor, but for the processor."""
    import sklearn

    digest = hashlib.sha256(repr((sklearn.__version__, np.__version__, _ITERATIONS, loss, sorted(parts))).encode())
    digest.update(np.ascontiguousarray(fitted).data)
    for _, (rows, numbers) in sorted(parts.items()):
        digest.update(repr((rows.digest, rows.x.shape, rows.encoding, rows.features, rows.classes)).encode())
        for vector in (rows.scale, rows.offset, rows.y[numbers], numbers):
            digest.update(np.ascontiguousarray(vector).data)
    return digest.hexdigest()[:32]


def _remembered(folder: Path, key: str, find: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Scores that were found before, by any process, or else are found now. Who asks at the same time waits.

    They take seconds at the end of every study of a dataset, and always come out the same. A folder that cannot be
    used changes nothing else.
    """
    file = folder / f"{key}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(file.with_suffix(".lock")):
            with suppress(OSError, ValueError, AttributeError):
                known = json.loads(file.read_text("utf-8"))
                return {str(name): float(score) for name, score in known.items()}
            scores = find()
            with suppress(OSError):
                write_whole(file, json.dumps(scores).encode())
            return scores
    except OSError:
        return find()


def find_constant(study: Study, settings: Settings) -> dict[str, float] | None:
    """The constant predictor's scores for a study that has none stored; None if its data are not on this machine."""
    from hpstudy import data

    try:
        if data.locate(study.dataset, settings) is None:
            return None
        config = study.config({})
        return data.constant_scores(
            data.prepare(study.dataset, config, study.seed_of(0), settings, study.splits), loss_of(config)
        )
    except HpstudyError:  # such as a damaged file, which the training reports
        return None


def _configuration(study: Study, records: Sequence[TrialRecord]) -> tuple[Config, list[int]]:
    """The configuration of the scored networks, and the seeds of its splits; if all diverged, of the first trial."""
    try:
        chosen = chosen_trials(study, records)
    except NotFoundError:
        chosen = [record for record in records if record.state == TrialState.COMPLETE][:1]
        if not chosen:
            raise
    return study.config(chosen[0].params), [record.seed for record in chosen][:MOST_SPLITS]


def _constant(arrays: Arrays, parts: _Parts, loss: Loss) -> dict[str, float]:
    if unit := arrays.standardization:
        return _of_numbers(((prefix, *of, unit.mean) for prefix, of in parts.items()), unit, loss)
    shares = class_shares(arrays.y[arrays.train], len(arrays.classes))
    return _named((prefix, _scores(prefix, shares, rows.y[numbers], loss)) for prefix, (rows, numbers) in parts.items())


def _scores(prefix: str, given: NDArray[np.float64], labels: NDArray[np.int32], loss: Loss) -> dict[str, float]:
    """Those of a trial: on the training rows fewer."""
    return {**predictor_scores(given, labels, loss), **(class_metrics(given, labels) if prefix else {})}


def _logistic(arrays: Arrays, fitted: NDArray[np.int32], parts: _Parts, loss: Loss) -> dict[str, float]:
    """The scores of logistic regression; empty if the training rows are all of one class."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    labels = arrays.y[fitted]
    if len(np.unique(labels)) < 2:
        return {}
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        model = LogisticRegression(max_iter=_ITERATIONS).fit(_stacked(_inputs(arrays, fitted)), labels)

    def scores(prefix: str, rows: Arrays | TestArrays, numbers: NDArray[Any]) -> dict[str, float]:
        given = np.zeros((len(numbers), len(arrays.classes)))  # 0 for a class without a fitted row
        given[:, model.classes_] = np.concatenate([model.predict_proba(chunk) for chunk in _inputs(rows, numbers)])
        return _scores(prefix, given, rows.y[numbers], loss)

    return _named((prefix, scores(prefix, rows, numbers)) for prefix, (rows, numbers) in parts.items())


def _ridge(arrays: Arrays, fitted: NDArray[np.int32], parts: _Parts, loss: Loss) -> dict[str, float]:
    """The scores of ridge regression."""
    from sklearn.linear_model import Ridge

    unit = arrays.standardization
    assert unit, "the dataset's task is regression"
    model = Ridge().fit(_stacked(_inputs(arrays, fitted)), arrays.truth[fitted])
    predicted = (
        (prefix, rows, numbers, np.concatenate([model.predict(chunk) for chunk in _inputs(rows, numbers)]))
        for prefix, (rows, numbers) in parts.items()
    )
    in_unit = ((*of, given.astype(np.float64) * unit.deviation + unit.mean) for *of, given in predicted)
    return _of_numbers(in_unit, unit, loss)


def _of_numbers(predicted: Iterable[tuple[Any, ...]], unit: Standardization, loss: Loss) -> dict[str, float]:
    """Scores with the prefix of each part. Each is a prefix, rows, row numbers and what was predicted for them."""
    found = ((prefix, number_scores(given, rows.y[numbers], unit, loss)) for prefix, rows, numbers, given in predicted)
    return _named(
        (prefix, scores if prefix else {name: scores[name] for name in ("loss", "rmse")}) for prefix, scores in found
    )


def _drawn(arrays: Arrays, seed: int) -> NDArray[np.int32]:
    """The training rows, or as many of them as can be fitted in a few seconds."""
    most = MOST_ROWS if _is_sparse(arrays) else min(MOST_ROWS, _MOST_DENSE_CELLS // arrays.features)
    if len(arrays.train) <= most:
        return arrays.train
    return np.random.default_rng(seed).permutation(arrays.train)[:most]


def _inputs(arrays: Arrays | TestArrays, numbers: NDArray[Any]) -> Iterator[Any]:
    """The inputs of a network, (rows, features), chunk by chunk; sparse for words."""
    from scipy import sparse

    from hpstudy.data import decode

    for first in range(0, len(numbers), _CHUNK):
        rows = decode(arrays.x[numbers[first : first + _CHUNK]], arrays.encoding, arrays.features).astype(np.float32)
        yield sparse.csr_array(rows) if _is_sparse(arrays) else rows * arrays.scale + arrays.offset


def _is_sparse(arrays: Arrays | TestArrays) -> bool:
    return arrays.encoding == "bits" and bool(np.all(arrays.scale == 1)) and not arrays.offset.any()


def _stacked(chunks: Iterator[Any]) -> Any:
    from scipy import sparse

    parts = list(chunks)
    return sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts)


def _named(scores: Iterable[tuple[str, Mapping[str, float]]]) -> dict[str, float]:
    return {f"{prefix}{name}": value for prefix, named in scores for name, value in named.items()}


def _means(splits: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each score over the splits."""
    names = splits[0].keys() if all(splits) else ()
    return {name: statistics.fmean(split[name] for split in splits) for name in names}
