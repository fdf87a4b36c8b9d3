"""Options and arguments that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hpstudy.folders import lend_home
from hpstudy.settings import Settings

if TYPE_CHECKING:
    from hpstudy.storage import Store, StudyQueue

_Function = TypeVar("_Function", bound=Callable[..., Any])


def settings_options(function: _Function) -> _Function:
    """Add --home, --storage, --tracking-uri and --debug; the command gets `settings`."""

    @functools.wraps(function)
    def with_settings(
        *, home: str | None, storage: str | None, tracking_uri: str | None, debug: bool, **others: Any
    ) -> Any:
        del debug  # read from the command line wherever an error ends up
        settings = Settings.load({"home": home, "storage": storage, "tracking_uri": tracking_uri})
        lend_home(settings.cache_dir)
        return function(settings=settings, **others)

    decorators = (
        click.option("--home", metavar="DIR", help="Where everything is kept [default: .hpstudy; HPSTUDY_HOME]."),
        click.option("--storage", metavar="URL", help="The study database [HPSTUDY_STORAGE]."),
        click.option(
            "--tracking-uri", metavar="URI", help="MLflow's store [HPSTUDY_TRACKING_URI, MLFLOW_TRACKING_URI]."
        ),
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
    )
    wrapped: Any = with_settings
    for decorator in reversed(decorators):
        wrapped = decorator(wrapped)
    return wrapped  # type: ignore[no-any-return]


def json_option(function: _Function) -> _Function:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(function)


def study_argument(function: _Function) -> _Function:
    return click.argument("name", shell_complete=_complete_study)(function)


def open_store(settings: Settings) -> Store:
    """The study database, which is closed when the command ends."""
    from hpstudy.storage import Store

    store = Store(settings.storage, grace_s=settings.grace_s)
    if context := click.get_current_context(silent=True):
        context.call_on_close(store.close)
    return store


def open_study(settings: Settings, name: str) -> StudyQueue:
    """Raises NotFoundError if there is no such study."""
    return open_store(settings).open(name)


def _complete_study(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names for the shell's tab key; silent where there is no database."""
    try:
        settings = Settings.load({key: ctx.params.get(key) for key in ("home", "storage")})
        return [name for name in open_store(settings).names() if name.startswith(incomplete)]
    except Exception:
        return []
