"""A recorded trial trained again in a process of its own, on as many cores as it had.

The order in which TensorFlow adds up in a larger network depends on the number of its threads, which it chooses once
in a process. So the process of the user is not the place.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpstudy import errors
from hpstudy.errors import FatalError, HpstudyError, UserError
from hpstudy.python import python
from hpstudy.settings import Settings
from hpstudy.training.environment import for_tensorflow
from hpstudy.worker.deaths import death, last_lines
from hpstudy.worker.devices import Slot, cores, pin_to_cores

if TYPE_CHECKING:
    from hpstudy.evaluation.reproduce import Reproduction
    from hpstudy.records import TrialRecord

USUAL_CORES = 1  # of a trial whose record does not say it: that of each process where there are several


def reproduce(settings: Settings, study: str, record: TrialRecord, file: Path | None) -> Reproduction:
    """Train the trial again, for as many epochs as it had, on as many cores. With fewer here, they count as changed.

    Args:
        file: The study file, if the study builds its own network.

    Raises:
        UserError: the trial has no epochs to compare with, or the file is missing or builds a different network.
        HpstudyError: what else keeps a trial from being trained.
    """
    from hpstudy.evaluation.reproduce import Comparison, Reproduction

    taken = cores()[: int(record.provenance.get("cores", USUAL_CORES))]
    of_file = ["--file", str(file)] if file else []
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                python("-m", "hpstudy.worker.reproducing", study, str(record.number), str(writing), *of_file),
                env={
                    **os.environ,
                    **settings.to_environment(),
                    **Slot(number=0, cores=tuple(taken)).of_cores(),
                    **for_tensorflow(),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(writing,),
            )
        os.close(writing)
        try:
            with os.fdopen(reading, "rb") as answers:
                answer = answers.read()
            code = process.wait()
        finally:
            process.kill()
            process.wait()
        if not answer:
            raise FatalError(
                f"The process that trained trial {record.number} again {death(code)}. "
                f"Its last lines:\n{last_lines(log)}"
            )
    found: Mapping[str, Any] = json.loads(answer)
    if "message" in found:
        raise getattr(errors, found["kind"])(found["message"])
    comparisons = tuple(Comparison(**values) for values in found["comparisons"])
    return Reproduction(
        comparisons=comparisons,
        diverged=tuple(found["diverged"]),
        circumstances=tuple(found["circumstances"]),
        error=found["error"],
    )


def main() -> int:
    """The entry point of the process: it writes the outcome, or the error, as JSON to a file descriptor."""
    parser = argparse.ArgumentParser()
    parser.add_argument("study")
    parser.add_argument("trial", type=int)
    parser.add_argument("answer", type=int)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    pin_to_cores()
    try:
        answer = asdict(_train_again(options.study, options.trial, options.file))
    except HpstudyError as error:
        answer = {"kind": type(error).__name__, "message": str(error)}
    with os.fdopen(options.answer, "w", encoding="utf-8") as writing:
        json.dump(answer, writing)
    return 0


def _train_again(name: str, trial: int, file: Path | None) -> Reproduction:
    from hpstudy.evaluation.reproduce import reproduce
    from hpstudy.storage import Store
    from hpstudy.study.studyfile import load

    settings = Settings.load({})
    with closing(Store(settings.storage, grace_s=settings.grace_s)) as store:
        queue = store.open(name)
        record = queue.trials.record(trial)
    declared = load(file) if file else None
    if declared and declared.study.network_digest != queue.study.network_digest:
        raise UserError(f"{file} does not build the network that study {name!r} was run with.")
    return reproduce(queue.study, record, settings, declared.build if declared else None)


if __name__ == "__main__":
    sys.exit(main())
