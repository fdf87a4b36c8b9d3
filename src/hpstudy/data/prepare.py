"""From a dataset and a configuration to arrays, ready for training or for the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.arrays import Arrays, Standardization, TestArrays
from hpstudy.data.cache import Matrix, key_of, stored, stored_vectors
from hpstudy.data.kind import Kind, Unbounded, kind_of
from hpstudy.data.places import Source
from hpstudy.data.scaling import LARGEST_INPUT, constant_scaling, fit_scaling, unfit_inputs
from hpstudy.data.sources import fetch
from hpstudy.errors import UserError
from hpstudy.settings import Settings
from hpstudy.study.catalog import DatasetInfo, Scaling
from hpstudy.study.factors import FACTORS, check_level, dataset_info
from hpstudy.study.own import Own
from hpstudy.study.splits import RESAMPLE, Splits

_FORMAT_VERSION = 2  # raise it whenever the same sources are prepared differently, or refused


@dataclass(frozen=True, kw_only=True)
class _Request:
    """The part of a trial's configuration that determines its data, checked and with defaults filled in."""

    dataset: DatasetInfo
    kind: Kind
    seed: int
    scaling: Scaling
    train_rows: int | None
    splits: Splits

    @classmethod
    def of(cls, dataset: str | Own, config: Mapping[str, Any], seed: int, splits: Splits) -> _Request:
        info = dataset_info(dataset)

        def level(name: str) -> Any:
            value = config.get(name)
            return FACTORS[name].default if value is None else check_level(name, value)

        return cls(
            dataset=info,
            kind=kind_of(dataset, config),
            seed=seed,
            scaling=level("scaling") or info.scaling,
            train_rows=level("train_rows"),
            splits=splits,
        )

    def folder(self, source: Source, settings: Settings, *, test: bool = False) -> Path:
        """Where these rows are kept. The name contains the key: a changed source file leads to another folder."""
        decisive = {"version": _FORMAT_VERSION, "source": source.fingerprint(), "test": test, **self.kind.decisive}
        if self.kind.is_fitted:
            decisive["fitted_on"] = [self.seed, self.train_rows, *([self.splits.key] if self.splits.key else [])]
        suffix = "-test" if test else ""
        return settings.cache_dir / "prepared" / f"{self.dataset.name}-{key_of(**decisive)}{suffix}"

    @property
    def view_file(self) -> str:
        """The file in the folder that holds the split and the scaling."""
        return f"view-{self.seed}-{self.scaling}-{self.train_rows or 'all'}{self.splits.key}.npz"


def prepare(
    dataset: str | Own, config: Mapping[str, Any], seed: int, settings: Settings, splits: Splits = RESAMPLE
) -> Arrays:
    """The rows outside the test split, with the trial's split and scaling.

    The work is done once; after that, the arrays are read from the cache in milliseconds. Safe in several processes
    at once. A dataset that is not on this machine is downloaded first.

    Args:
        config: Only scaling, train_rows and the factors of this kind of datasets, such as num_words, matter.
        seed: The seed of the split: study seed + replicate.
        splits: Which rows are for validation; see `train_and_validation`.

    Raises:
        NotFoundError: the dataset is not on this machine and cannot be downloaded.
        UserError: a file of the dataset is truncated or wrong, or a level of `config` is impossible.
        StorageError: the cache cannot be written.
    """
    request = _Request.of(dataset, config, seed, splits)
    source = fetch(dataset, settings)
    folder = request.folder(source, settings)
    matrix = stored(folder, lambda: _build(request, source, test=False))
    view = stored_vectors(folder, request.view_file, lambda: _view(request, source, matrix))
    return Arrays(
        x=matrix.x,
        encoding=matrix.encoding,
        features=matrix.features,
        y=matrix.y,
        train=view["train"],
        validation=view["validation"],
        scale=view["scale"],
        offset=view["offset"],
        input_shape=request.dataset.input_shape or (matrix.features,),
        classes=request.dataset.classes,
        digest=matrix.digest,
        standardization=Standardization.of(matrix.y[view["train"]]) if request.dataset.targets else None,
        weights=view.get("weights"),
    )


def prepare_test(
    dataset: str | Own, config: Mapping[str, Any], seed: int, settings: Settings, splits: Splits = RESAMPLE
) -> TestArrays:
    """The held-out test split, encoded and scaled with what was fitted on the training rows of this seed.

    It is kept in a separate folder, which `prepare` never opens.

    Raises:
        NotFoundError, UserError, StorageError: as in `prepare`.
    """
    trained = prepare(dataset, config, seed, settings, splits)
    request = _Request.of(dataset, config, seed, splits)
    source = fetch(dataset, settings)
    folder = request.folder(source, settings, test=True)
    matrix = stored(folder, lambda: _build(request, source, test=True))
    _check_inputs(request, source, matrix, trained.scale, trained.offset, test=True)
    return TestArrays(
        x=matrix.x,
        encoding=matrix.encoding,
        features=matrix.features,
        y=matrix.y,
        scale=trained.scale,
        offset=trained.offset,
        input_shape=trained.input_shape,
        classes=trained.classes,
        digest=matrix.digest,
    )


def _build(request: _Request, source: Source, *, test: bool) -> Matrix:
    """Read and encode the rows. The readers are imported here, because nobody needs them if all rows are cached."""
    from hpstudy.data.parts import read_both, read_test, read_train, split_train

    kind = request.kind
    if not kind.is_fitted:
        return kind.encode((read_test if test else read_train)(kind, source), None)
    if test:
        known, raw = read_both(kind, source)
    else:
        raw = known = read_train(kind, source)
    train, _ = split_train(source, known.labels, request.seed, request.train_rows, known.keys, request.splits)
    return kind.encode(raw, known.taken(train))


def _view(request: _Request, source: Source, matrix: Matrix) -> dict[str, NDArray[Any]]:
    """The split and the scaling of one request."""
    from hpstudy.data.parts import read_train, split_train

    own = request.dataset.own
    raw = read_train(request.kind, source) if own and (own.splits_by_column or own.weighs_rows) else None
    train, validation = split_train(
        source, matrix.y, request.seed, request.train_rows, raw.keys if raw else None, request.splits
    )
    scale, offset = _scaling(request, matrix, train)
    _check_inputs(request, source, matrix, scale, offset, test=False)
    weights = {} if raw is None or raw.weights is None else {"weights": _relative(raw.weights, train)}
    return {"train": train, "validation": validation, "scale": scale, "offset": offset, **weights}


def _relative(weights: NDArray[np.float32], train: NDArray[np.int32]) -> NDArray[np.float32]:
    """Weights whose mean over the training rows is 1, so that a loss stays as large as without them."""
    return (weights / (weights[train].mean() or 1.0)).astype(np.float32)


def _check_inputs(
    request: _Request,
    source: Source,
    matrix: Matrix,
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    *,
    test: bool,
) -> None:
    """Refuse values that a network cannot be trained on. A kind with a bound has none."""
    kind = request.kind
    if not isinstance(kind, Unbounded):
        return
    unfit = unfit_inputs(matrix.x, scale, offset)
    if not unfit.any():
        return
    from hpstudy.data.parts import read_test, read_train

    row, feature = np.argwhere(unfit)[np.abs(matrix.x[unfit]).argmax()]
    raw = (read_test if test else read_train)(kind, source)
    raise UserError(
        f"{source.labels_file(test=test)} has {kind.trace(raw, row, feature)}, and scaling={request.scaling!r} makes a "
        f"network input of it that is not finite or larger than {LARGEST_INPUT:.1e}, whose square float32 cannot hold. "
        "Correct the value, or choose another scaling."
    )


def _scaling(
    request: _Request, matrix: Matrix, train: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if request.scaling == "none":
        return constant_scaling()
    if request.scaling == "unit" and request.kind.largest is not None:
        return constant_scaling(1 / request.kind.largest)
    return fit_scaling(request.scaling, matrix.x, matrix.encoding, matrix.features, train)
