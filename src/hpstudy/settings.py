"""Environment and flags become one frozen `Settings`. Nothing else reads HPSTUDY_* variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hpstudy import addresses
from hpstudy.errors import UserError
from hpstudy.folders import cache_folder, check_name, config_folder, exists, expanded
from hpstudy.passwords import check_argument, find_password, read_config

LONGEST = 1e9  # seconds or GB: as good as never, but small enough for clocks and locks


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are kept. The defaults need no server: everything is in `.hpstudy/`."""

    home: Path  # study database, the tracker's store, artifacts, run directories
    storage: str  # SQLAlchemy URL of the study database; may hold a password: never print it
    tracking_uri: str  # the tracker's address; may hold a password: never print it
    artifact_root: str | None  # where the tracker's store in `home` keeps artifacts; None: there is no such store
    data_dir: Path | None  # where the user keeps datasets
    cache_dir: Path  # where hpstudy keeps downloaded and prepared datasets
    heartbeat_s: float = 10.0  # how often a running trial sends a heartbeat
    grace_s: float = 30.0  # a trial without a heartbeat for this long is lost
    recycle_gb: float = 2.0  # a trainer process whose memory has grown by this much is replaced

    @classmethod
    def load(cls, flags: Mapping[str, str | None], environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from `flags` (by field name; None: not given), else environment, configuration and defaults.

        Raises:
            UserError: a number is not a number, the heartbeat is longer than the grace period, the configuration
                is wrong or can be read by others, or a flag has a password in it.
        """
        check_argument("--storage", flags.get("storage"))
        check_argument("--tracking-uri", flags.get("tracking_uri"))
        environ = os.environ if environ is None else environ
        config = read_config(config_file(environ))

        def pick(field: str, *variables: str) -> str | None:
            candidates = (flags.get(field), *(environ.get(variable) for variable in variables), config.get(field))
            return next((value for value in candidates if value), None)

        home = expanded(pick("home", "HPSTUDY_HOME") or ".hpstudy", "HPSTUDY_HOME")
        check_name(home)
        tracking_uri = pick("tracking_uri", "HPSTUDY_TRACKING_URI", "MLFLOW_TRACKING_URI")
        data_dir = pick("data_dir", "HPSTUDY_DATA_DIR")
        cache_dir = pick("cache_dir", "HPSTUDY_CACHE_DIR")
        storage = pick("storage", "HPSTUDY_STORAGE") or addresses.of_file(home / "hpstudy.db")
        settings = cls(
            home=home,
            storage=addresses.with_password(storage, find_password(environ, config)),
            tracking_uri=tracking_uri or addresses.of_file(home / "mlflow.db"),
            artifact_root=None if tracking_uri else (home / "artifacts").as_uri(),
            data_dir=expanded(data_dir, "HPSTUDY_DATA_DIR") if data_dir else None,
            cache_dir=expanded(cache_dir, "HPSTUDY_CACHE_DIR") if cache_dir else cache_folder() or home / "cache",
            heartbeat_s=_positive(environ, "HPSTUDY_HEARTBEAT_S", cls.heartbeat_s, "seconds"),
            grace_s=_positive(environ, "HPSTUDY_GRACE_S", cls.grace_s, "seconds"),
            recycle_gb=_positive(environ, "HPSTUDY_RECYCLE_GB", cls.recycle_gb, "GB"),
        )
        if settings.grace_s <= settings.heartbeat_s:
            raise UserError(
                f"A trial is lost after HPSTUDY_GRACE_S ({settings.grace_s:g} s) without a heartbeat, so this "
                f"must be more than HPSTUDY_HEARTBEAT_S ({settings.heartbeat_s:g} s). Three times as long is usual."
            )
        return settings

    def to_environment(self) -> dict[str, str]:
        """The variables from which a process that we start loads the same settings."""
        variables = {
            "HPSTUDY_HOME": str(self.home),
            "HPSTUDY_STORAGE": self.storage,
            "HPSTUDY_DATA_DIR": str(self.data_dir or ""),
            "HPSTUDY_CACHE_DIR": str(self.cache_dir),
            "HPSTUDY_HEARTBEAT_S": str(self.heartbeat_s),
            "HPSTUDY_GRACE_S": str(self.grace_s),
            "HPSTUDY_RECYCLE_GB": str(self.recycle_gb),
        }
        if self.uses_embedded_store:  # an empty variable counts as not set
            return {**variables, "HPSTUDY_TRACKING_URI": "", "MLFLOW_TRACKING_URI": ""}
        return {**variables, "HPSTUDY_TRACKING_URI": self.tracking_uri}

    @property
    def runs_dir(self) -> Path:
        """The folder of run directories, with one folder per study."""
        return self.home / "runs"

    @property
    def reports_dir(self) -> Path:
        """The folder of reports, with one folder per study."""
        return self.home / "reports"

    @property
    def logs_dir(self) -> Path:
        """The folder of the logs that trainer processes print."""
        return self.home / "logs"

    @property
    def uses_embedded_store(self) -> bool:
        """Whether the tracker's store is the embedded one in `home`, which needs no server."""
        return self.artifact_root is not None


def config_file(environ: Mapping[str, str]) -> Path | None:
    """The configuration file: HPSTUDY_CONFIG, else ~/.config/hpstudy/config.toml; None if there is none."""
    if given := environ.get("HPSTUDY_CONFIG"):
        return expanded(given, "HPSTUDY_CONFIG")
    file = folder / "config.toml" if (folder := config_folder()) else None
    return file if file and exists(file) else None


def _positive(environ: Mapping[str, str], variable: str, default: float, unit: str) -> float:
    text = environ.get(variable)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= LONGEST:
        raise UserError(
            f"{variable} must be a number of {unit} above 0 and up to {LONGEST:g}, such as {default:g}; it is {text!r}."
        )
    return number
