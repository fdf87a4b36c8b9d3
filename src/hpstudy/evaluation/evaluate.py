"""The test split, once: the configuration that validation chose, its replicates' networks, their scores.

There are two halves, because they run in two processes: `answer` needs the networks, `judge` the statistics. A folder
connects them, which also holds all parts of the model in the tracker.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.errors import HpstudyError, NotFoundError, StorageError, UserError, closed, reason
from hpstudy.evaluation.classification import class_scores
from hpstudy.evaluation.hardest import hardest_rows
from hpstudy.evaluation.regression import regression_scores
from hpstudy.records import Evaluation, TrialRecord, TrialState
from hpstudy.settings import Settings
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study
from hpstudy.training.rundir import RunDir

if TYPE_CHECKING:
    from hpstudy.training.model import Build
    from hpstudy.training.trainer import Trainer

SEARCH_REPLICATES = 3  # seeds with which the best trial of a search is trained
NETWORKS = "networks"  # in an answer: the networks and a description of their rows, as `hpstudy_model` reads them
# predictions (replicates, rows, classes), or of numbers (replicates, rows, targets); labels; row numbers (rows,)
_ANSWERS = "answers.npz"
_ASKED = "facts.json"  # what was evaluated
_LOOKED_AT = 32  # rows for which a network must give the same outputs after saving and loading


def answer_folder(settings: Settings, study: str) -> Path:
    """Where this machine keeps the networks of a study's chosen configuration and their answers."""
    return settings.runs_dir / study / "chosen"


def chosen_trials(study: Study, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The replicates of the configuration with the best mean validation score, without those that diverged.

    For a Compare, they are its confirmations, with the nuisance factors that their searches found.

    For a search, they are the confirmations of its best finalist. Without finalists, they are the best trial and the
    same configuration under the next seeds, which have no number yet (-1).

    Raises:
        NotFoundError: no trial is complete, or all of them diverged.
    """
    from hpstudy.analysis.best import cells_best_first, confirmations_of_best, ranked_trials
    from hpstudy.analysis.cells import grid_values
    from hpstudy.analysis.divergence import outcomes

    records = outcomes(study, records)
    if study.design.has_cells:
        grid = grid_values(study, records)
        for cell in cells_best_first(grid):
            if found := [record for record in grid.of_cell(cell) if _has_network(record)]:
                return found
    elif confirmed := [record for record in confirmations_of_best(study, records) if _has_network(record)]:
        return confirmed
    elif trained := [r for r in ranked_trials(study, records) if r.repeats is None and r.diverged is None]:
        best = trained[0]  # its weights may be kept; a trial that repeats it has none
        others = range(1, SEARCH_REPLICATES)
        return [best, *(replace(best, number=-1, replicate=r, seed=study.seed_of(r), metrics={}) for r in others)]
    if any(record.diverged for record in records):
        raise NotFoundError(f"Study {study.name!r} has no network to evaluate: every complete trial diverged.")
    raise NotFoundError(f"Study {study.name!r} has no complete trial to evaluate.")


def chosen_since(study: Study, records: Sequence[TrialRecord], evaluation: Evaluation) -> list[TrialRecord]:
    """What `chosen_trials` gives now, if that is not the configuration and the replicates that were scored.

    It is empty as long as the scores belong to the chosen configuration.
    """
    try:
        chosen = chosen_trials(study, records)
    except NotFoundError:
        return []
    is_same = _configuration(study, chosen[0]) == evaluation.params
    if is_same and study.design.has_cells:  # of a search a seed may be missing, with which it diverged
        is_same = {record.seed for record in chosen} == set(evaluation.seeds)
    return [] if is_same else chosen


def _configuration(study: Study, record: TrialRecord) -> dict[str, Level]:
    """What the chosen trials have in common: without nuisance factors, which each search has tuned for itself."""
    return {name: level for name, level in record.params.items() if name in study.vary}


def _has_network(record: TrialRecord) -> bool:
    return record.state == TrialState.COMPLETE and record.diverged is None


def evaluate(
    study: Study,
    records: Sequence[TrialRecord],
    settings: Settings,
    build: Build | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Score the chosen configuration on the test split.

    Args:
        told: Receives what is being done.

    Raises:
        UserError: the study builds its own network and `build` is missing.
        NotFoundError: no trial is complete.
        StorageError: the networks cannot be written.
    """
    answer(study, records, settings, build, told)
    return judge(answer_folder(settings, study.name))


def answer(
    study: Study,
    records: Sequence[TrialRecord],
    settings: Settings,
    build: Build | None = None,
    told: Callable[[str], None] = lambda _: None,
    trainer: Trainer | None = None,
) -> None:
    """Let the networks of the chosen configuration predict the test split. Fills `answer_folder`, all or nothing.

    Raises:
        The same as `evaluate`.
    """
    if study.network_digest and build is None:
        raise UserError(f"Study {study.name!r} builds its own network. Give its study file with --file STUDY.py.")
    trials = chosen_trials(study, records)
    folder = answer_folder(settings, study.name)
    unfinished = folder.with_name(f".{folder.name}")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        (unfinished / NETWORKS).mkdir(parents=True)
        _fill(unfinished, study, trials, settings, build, told, trainer)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    except HpstudyError:
        raise
    except OSError as error:
        raise StorageError(
            f"The networks of study {study.name!r} cannot be kept in {folder}: {error.strerror or error}. Free some "
            f"space there; `hpstudy evaluate {study.name}` tries again."
        ) from None
    except Exception as error:
        if build is None:
            raise
        raise UserError(
            f"Study {study.name!r} builds its own network, which cannot be evaluated. {closed(reason(error))}"
        ) from error


def _fill(
    folder: Path,
    study: Study,
    trials: Sequence[TrialRecord],
    settings: Settings,
    build: Build | None,
    told: Callable[[str], None],
    trainer: Trainer | None,
) -> None:
    from hpstudy import data
    from hpstudy.serving import hpstudy_model
    from hpstudy.training.networks import predictions, raw_rows, save_own, trained_model, validation_score

    given, validation, scored = [], [], []
    members: list[dict[str, Any]] = []
    for place, record in enumerate(trials):
        told(f"seed {record.seed}")
        config = study.config(record.params)
        arrays = data.prepare(study.dataset, config, record.seed, settings, study.splits)
        test = data.prepare_test(study.dataset, config, record.seed, settings, study.splits)
        weights = RunDir.of(settings.runs_dir, study.name, record.number).weights if record.number >= 0 else None
        model = trained_model(config, record, arrays, weights, build, trainer)
        if model is None:
            told(f"seed {record.seed} diverged")
            continue
        scored.append(record)
        given.append(predictions(model, test, np.arange(len(test.y))))
        validation.append(validation_score(model, arrays))
        file = folder / NETWORKS / f"seed-{place}.keras"
        if build:
            file = save_own(model, file, raw_rows(arrays, arrays.validation[:_LOOKED_AT]))
        else:
            model.save(file)
        rows = data.row_description(study.dataset, config, arrays, settings)
        members.append({"file": file.name, "rows": rows})
    if not scored:
        raise NotFoundError(f"Study {study.name!r} has no network to evaluate: trained again, the best one diverged.")
    numbers = data.test_row_numbers(study.dataset, config, len(test.y), settings)
    np.savez(folder / _ANSWERS, predictions=np.array(given), labels=test.y, numbers=numbers)
    described: dict[str, Any] = {"classes": test.classes, "networks": members}
    targets = [target.name for target in study.dataset_info.targets]
    if targets:
        described["targets"] = targets
    _write(folder / NETWORKS / hpstudy_model.ROWS_FILE, described)
    by_one = trials[0].confirms is None and not study.design.has_cells
    evaluated = {
        "params": _configuration(study, trials[0]),
        "trials": [record.number for record in scored if record.number >= 0],
        "seeds": [record.seed for record in scored],
        "chosen_by": "the best trial" if by_one else "mean over replicates",
        "at": time.time(),
        "digest": test.digest,
        "validation": validation,
    }
    example = data.example(study.dataset, config, arrays, settings)
    loads = all(member["file"].endswith(".keras") for member in members)
    names = {"classes": test.classes, "targets": targets}
    _write(folder / _ASKED, {"evaluation": evaluated, **names, "example": example, "loads": loads})


def judge(folder: Path) -> Evaluation:
    """The scores of the networks in an answer, and what was evaluated.

    Raises:
        NotFoundError: there is no answer in the folder.
    """
    asked = read_answer(folder)
    with np.load(folder / _ANSWERS) as answers:
        predictions, labels = answers["predictions"], answers["labels"]
        numbers = answers["numbers"] if "numbers" in answers else np.arange(1, len(labels) + 1)
    found = scores(predictions, labels, asked.classes, asked.targets)
    hardest = hardest_rows(predictions, labels, numbers, asked.classes)
    return Evaluation.from_json({**asked.evaluated, **found, **hardest})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the folder of an answer holds besides the networks."""

    evaluated: Mapping[str, Any]  # what was evaluated: the fields of `Evaluation` that are not scores
    classes: Sequence[str]
    targets: Sequence[str]  # names of the predicted numbers
    example: Mapping[str, Any]  # a few rows as users have them, see `data.example`
    loads: bool  # whether Keras can load the networks without the study file

    def is_of(self, evaluation: Evaluation) -> bool:
        """Whether this answer was evaluated, and not that of an earlier study of the same name."""
        return bool(self.evaluated["at"] == evaluation.at)


def read_answer(folder: Path) -> Answer:
    """Raises NotFoundError if there is none."""
    try:
        values = json.loads((folder / _ASKED).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NotFoundError(
            f"There are no evaluated networks in {folder} ({error}). `hpstudy evaluate` makes them."
        ) from None
    return Answer(
        evaluated=values["evaluation"],
        classes=values["classes"],
        targets=values.get("targets", []),
        example=values["example"],
        loads=values.get("loads", True),
    )


def why_no_model(settings: Settings, study: str, evaluation: Evaluation) -> str | None:
    """A sentence if the scored networks are on this machine but cannot become a model, else None."""
    folder = answer_folder(settings, study)
    try:
        answer = read_answer(folder)
    except NotFoundError:
        return None
    if not answer.is_of(evaluation) or answer.loads:
        return None
    return (
        f"Study {study!r} has no model, because Keras cannot load its networks without the study file: a "
        "layer, model or function of your own is not registered with Keras, or cannot be rebuilt from its config. "
        f"Their weights are in {folder / NETWORKS}; load_weights of what build(…) returns takes them, for a "
        "model without weights once it was called on some rows."
    )


def scores(
    predictions: NDArray[Any], labels: NDArray[Any], classes: Sequence[str], targets: Sequence[str] = ()
) -> dict[str, Any]:
    """Every score of the replicates and of their ensemble, which averages their probabilities or numbers.

    Args:
        predictions: (replicates, rows, classes) probabilities; without classes as in `regression_scores`.
        labels: (rows,) class numbers, or numbers as in `regression_scores`.
        targets: The names of the predicted numbers.

    Returns:
        The fields of `Evaluation` that are scores, as JSON values.
    """
    return class_scores(predictions, labels, classes) if classes else regression_scores(predictions, labels, targets)


def _write(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values), "utf-8")
