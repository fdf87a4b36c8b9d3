"""What flags change in a declared study: the budget, the epochs, or both for a quick first run."""

from __future__ import annotations

import dataclasses

from hpstudy.errors import UserError
from hpstudy.study.designs import Replicates
from hpstudy.study.spec import Study

QUICK = "-quick"  # ends the name of a quick trial run
QUICK_EPOCHS = 2
QUICK_ROWS = 2_000


def override(
    study: Study, *, trials: int | None = None, replicates: Replicates | None = None, epochs: int | None = None
) -> Study:
    """The study with another budget or number of epochs. Published figures apply only to the declared epochs.

    Raises:
        UserError: the flag does not fit the study's design.
    """
    study = dataclasses.replace(study, design=study.design.resized(trials=trials, replicates=replicates))
    if epochs is not None:
        if "epochs" in study.domains:
            raise UserError("--epochs cannot be set: epochs is a factor that varies in this study.")
        published = study.published if epochs == study.max_epochs else ()
        study = dataclasses.replace(study, base={**study.base, "epochs": epochs}, published=published)
    return study


def quick(study: Study) -> Study:
    """A separate study, NAME-quick, with few epochs, rows and trials, to see that everything works."""
    base = dict(study.base)
    if "epochs" not in study.domains:
        base["epochs"] = min(QUICK_EPOCHS, study.max_epochs)
    training_rows = int(study.dataset_info.rows / (1 + study.splits.ratio))
    if "train_rows" not in study.domains and training_rows > QUICK_ROWS:
        base["train_rows"] = min(QUICK_ROWS, int(base.get("train_rows") or QUICK_ROWS))
    return dataclasses.replace(study, name=study.name + QUICK, base=base, design=study.design.quick(), published=())
