"""The error tree: who has to act decides the class.

A message says what happened, what was expected, what came, and what to do. The command line prints it
without a traceback; `exit_code` is what the process then exits with.
"""


class HpstudyError(Exception):
    """Base of every error that hpstudy raises on purpose."""

    exit_code = 1


class UserError(HpstudyError):
    """The user asked for something that cannot be: a wrong study file, level, flag or name."""

    exit_code = 2


class NotFoundError(HpstudyError):
    """A study, trial or dataset that does not exist here."""


class StorageError(HpstudyError):
    """The study database or a run directory cannot be read or written."""


class MirrorError(HpstudyError):
    """MLflow cannot be reached, or refused something. Nothing is lost: the next sync makes it good."""


class TrialFailed(HpstudyError):
    """This configuration cannot be trained (NaN loss, out of memory). Recorded as failed, not tried again."""


class TrialLost(HpstudyError):
    """The trial was taken away from this process. Its writes are refused; go on with the next trial."""


class FatalError(HpstudyError):
    """The worker cannot go on, for instance because its trainer processes crash again and again."""
