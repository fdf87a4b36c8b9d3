"""The study database: Optuna's tables are the truth and the only queue."""

from hpstudy.owner import Owner
from hpstudy.records import StudyState
from hpstudy.storage.claim import Claim, Heartbeat, Outcome
from hpstudy.storage.notices import Doing, NoticeBoard, WorkerNotice
from hpstudy.storage.progress import Progress
from hpstudy.storage.queue import StudyQueue
from hpstudy.storage.store import Store

__all__ = [
    "Claim",
    "Doing",
    "Heartbeat",
    "NoticeBoard",
    "Outcome",
    "Owner",
    "Progress",
    "Store",
    "StudyQueue",
    "StudyState",
    "WorkerNotice",
]
