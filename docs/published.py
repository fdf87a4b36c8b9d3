"""Write docs/published.md from the recorded trials of studies/published.py, as `make published` does.

Studies with a published test score are scored on the test split first, where that was not done before.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hpstudy import data
from hpstudy.analysis import statistics
from hpstudy.analysis.beside import Beside, published_beside
from hpstudy.errors import NotFoundError
from hpstudy.evaluation.evaluate import evaluate
from hpstudy.records import Evaluation, TrialRecord, TrialState
from hpstudy.report import texts
from hpstudy.report.beside import difference_text
from hpstudy.settings import Settings
from hpstudy.storage import Store, StudyQueue
from hpstudy.study.factors import describe
from hpstudy.study.published import TEST_ACCURACY, Published
from hpstudy.study.spec import Study
from hpstudy.study.studyfile import load_all

ROOT = Path(__file__).parents[1]
STUDIES = ROOT / "studies" / "published.py"
PAGE = ROOT / "docs" / "published.md"
OVERFITTING = "published-imdb-1000"  # the study of a published statement without a figure

HEAD = """# Published results beside ours

`make published` trains everything here and writes this page; that is `hpstudy run studies/published.py`, which
resumes where it was stopped, then `python docs/published.py`. `hpstudy report NAME` shows one of the studies in full.

A published figure is usually one training, ours is a mean over seeds. “One more training” is where one more of ours
would lie in 95 % of cases (the prediction interval of [report.md](report.md)); three seeds make that wide. Ours use
their own stratified splits, and train on four fifths of the rows outside the test split. `test_accuracy` is
measured once, by `hpstudy evaluate`; the other metrics are those after the last epoch.
"""
FIGURE_COLUMNS = (
    *("study", "metric", "published", "where"),
    *("ours, mean", "95 % interval", "seeds", "difference", "one more training", "within"),
)


def table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = (columns, ("---",) * len(columns), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def declared_cells(study: Study, figure: Published) -> tuple[str, ...]:
    """The cells of a figure's row that its declaration decides."""
    levels = f", {describe(figure.levels)}" if figure.levels else ""
    where = "; ".join(part for part in (figure.source, figure.note) if part)
    return f"`{study.name}`{levels}", figure.metric, f"{figure.value:g}", where


def measured_cells(one: Beside) -> tuple[str, ...]:
    if one.ours is None:
        return ("not run", *["–"] * 5)
    return (
        texts.number(one.ours.mean),
        texts.interval_text(one.ours) or "–",
        str(one.ours.n),
        difference_text(one),
        texts.range_text(one.one_more) or "–",
        {None: "–", True: "yes", False: "no"}[one.is_within],
    )


def settings_cells(study: Study) -> tuple[str, ...]:
    varied = "".join(f"; {name} {texts.listed([*map(str, domain.levels)])}" for name, domain in study.vary.items())
    seeds = f"{study.seed} to {study.seed_of(study.design.replicates - 1)}"  # type: ignore[union-attr] # all are grids
    return f"`{study.name}`", study.dataset_info.title, describe(study.base) + varied, seeds


def recorded(store: Store, study: Study) -> StudyQueue | None:
    """None unless the study is finished as it is declared."""
    try:
        queue = store.open(study.name)
    except NotFoundError:
        return None
    progress = queue.trials.progress()
    return queue if progress.ended >= progress.budget and not study.changes(queue.study) else None


def not_run(study: Study, settings: Settings) -> str:
    at_hand = data.locate(study.dataset, settings) is not None
    reason = "it is not finished" if at_hand else f"{study.dataset_info.title} was missing where this page was made"
    return f"`{study.name}` has no result yet: {reason}.\n"


def evaluation(queue: StudyQueue, study: Study, settings: Settings) -> Evaluation | None:
    found = queue.entry.evaluation()
    if found is None and any(figure.metric == TEST_ACCURACY for figure in study.published):
        print(f"Scoring {study.name} on the test split.")
        found = evaluate(study, queue.trials.records(), settings)
        queue.entry.keep_evaluation(found)
    return found


def overfitting(study: Study, records: list[TrialRecord]) -> str:
    """How much validation loss rises after its minimum, and how far training loss falls meanwhile."""
    rows = []
    for cell in study.cells():
        members = [record for record in records if record.cell == cell.number and record.state == TrialState.COMPLETE]
        curves = [[epoch.metrics for epoch in record.history] for record in members]
        lows = [min(range(len(curve)), key=lambda place, curve=curve: curve[place]["val_loss"]) for curve in curves]
        pairs = list(zip(curves, lows, strict=True))
        rows.append(
            (
                describe(cell.params),
                mean([low + 1 for low in lows], 1),
                mean([curve[low]["val_loss"] for curve, low in pairs]),
                mean([curve[-1]["val_loss"] for curve in curves]),
                change([curve[-1]["val_loss"] - curve[low]["val_loss"] for curve, low in pairs]),
                change([curve[-1]["loss"] - curve[low]["loss"] for curve, low in pairs]),
            )
        )
    columns = ("level", "epoch of the lowest val_loss", "lowest val_loss", "last val_loss", "rise of val_loss since")
    return table((*columns, "change of loss since"), rows)


def mean(values: list[float], digits: int | None = None) -> str:
    return texts.number(sum(values) / len(values), digits)


def change(values: list[float]) -> str:
    found = statistics.interval(values)
    return f"{texts.signed(found.mean)} ({texts.interval_text(found, sign=True)})"


def cross_entropies() -> str:
    import numpy as np
    import tensorflow as tf

    from hpstudy.training.model import row_losses

    two = row_losses("cross_entropy", tf.constant([1, 0, 0, 1]), tf.constant([[0.8], [0.3], [0.5], [0.9]]))
    probabilities = tf.constant([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2]])
    three = row_losses("cross_entropy", tf.constant([1, 2, 0]), probabilities)
    rows = [
        ("binary: y = [1, 0, 0, 1], p = [0.8, 0.3, 0.5, 0.9]", "0.3445814", f"{np.mean(two):.7f}"),
        (
            "categorical: classes 1, 2, 0, p = [0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2]",
            "1.936381",
            f"{np.mean(three):.6f}",
        ),
    ]
    return table(("cross-entropy", "published (course slides)", "ours"), rows)


def page(studies: list[Study], store: Store, settings: Settings) -> Iterator[str]:
    queues = {study.name: recorded(store, study) for study in studies}
    yield HEAD
    yield "## Figures\n"
    rows = []
    for study in studies:
        queue = queues[study.name]
        records = queue.trials.records() if queue else []
        scores = evaluation(queue, study, settings) if queue else None
        rows += [
            declared_cells(study, one.published) + measured_cells(one)
            for one in published_beside(study, records, scores)
        ]
    yield table(FIGURE_COLUMNS, rows)
    yield from (not_run(study, settings) for study in studies if queues[study.name] is None)
    yield "## Settings\n"
    yield table(("study", "dataset", "settings", "seeds"), [settings_cells(study) for study in studies])
    yield "Everything else is at its default, see [factors.md](factors.md).\n"
    yield from statement(queues)
    yield "## Losses\n"
    yield cross_entropies()
    yield "`tests/test_trainer.py` holds the program to both."


def statement(queues: dict[str, StudyQueue | None]) -> Iterator[str]:
    queue = queues[OVERFITTING]
    yield "## A statement without figures\n"
    yield (
        "The course slides say of IMDB with 1,000 words: validation loss rises while training loss falls, less so\n"
        "with L2 0.001. Ours, means over seeds with 95 % intervals; losses contain the penalty, as in Keras:\n"
    )
    yield overfitting(queue.study, queue.trials.records()) if queue else "Not run.\n"


def main() -> None:
    settings = Settings.load({})
    store = Store(settings.storage)
    studies = [file.study for file in load_all(STUDIES)]
    PAGE.write_text("\n".join(page(studies, store, settings)) + "\n")
    store.close()
    print(f"Written: {PAGE}")


if __name__ == "__main__":
    main()
