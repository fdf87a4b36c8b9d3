"""Options and arguments that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hpstudy import api
from hpstudy.folders import lend_home
from hpstudy.report.languages import LANGUAGES

_Function = TypeVar("_Function", bound=Callable[..., Any])


def where_options(function: _Function) -> _Function:
    """Add --home, --storage, --tracking-uri and --debug; the command gets them as `where` of `api`."""

    @functools.wraps(function)
    def with_where(
        *, home: str | None, storage: str | None, tracking_uri: str | None, debug: bool, **others: Any
    ) -> Any:
        del debug  # whoever handles the error reads it from the command line
        where = api.Where(home=home, storage=storage, tracking_uri=tracking_uri)
        lend_home(api.settings_of(where).cache_dir)
        return function(where=where, **others)

    decorators = (
        click.option("--home", metavar="DIR", help="Where everything is kept [default: .hpstudy; HPSTUDY_HOME]."),
        click.option("--storage", metavar="URL", help="The study database [HPSTUDY_STORAGE]."),
        click.option(
            "--tracking-uri",
            metavar="URI",
            help="MLflow's store; none: no mirror [HPSTUDY_TRACKING_URI, MLFLOW_TRACKING_URI].",
        ),
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
    )
    return _decorated(with_where, decorators)  # type: ignore[no-any-return]


def settings_options(function: _Function) -> _Function:
    """Add the same options; the command gets `settings`."""

    @functools.wraps(function)
    def with_settings(*, where: api.Where, **others: Any) -> Any:
        return function(settings=api.settings_of(where), **others)

    return where_options(with_settings)  # type: ignore[return-value]


def study_overrides(function: _Function) -> _Function:
    """Add --trials, --replicates, --epochs and --quick."""
    decorators = (
        click.option(
            "--trials",
            type=click.IntRange(1),
            help="A different budget for a Search, or for each search of a Compare.",
        ),
        click.option(
            "--replicates",
            type=click.IntRange(1),
            help="A different number of replicates for a Grid or a Compare.",
        ),
        click.option("--epochs", type=click.IntRange(1), help="A different number of epochs for every trial."),
        click.option(
            "--quick", is_flag=True, help="A quick trial run: few epochs, rows and trials, recorded as NAME-quick."
        ),
    )
    return _decorated(function, decorators)  # type: ignore[no-any-return]


def json_option(function: _Function) -> _Function:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(function)


def language_option(function: _Function) -> _Function:
    return click.option(
        "--lang",
        "language",
        type=click.Choice(LANGUAGES),
        default="en",
        show_default=True,
        help="The language of findings and headings; a sentence that is not translated yet is in English.",
    )(function)


def study_argument(function: _Function) -> _Function:
    return click.argument("name", shell_complete=_complete_study)(function)


def _decorated(function: Callable[..., Any], decorators: tuple[Callable[[Any], Any], ...]) -> Any:
    wrapped: Any = function
    for decorator in reversed(decorators):
        wrapped = decorator(wrapped)
    return wrapped


def _complete_study(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of studies for tab completion in the shell; none if there is no database."""
    try:
        where = api.Where(home=ctx.params.get("home"), storage=ctx.params.get("storage"))
        return [result.name for result in api.studies(**where) if result.name.startswith(incomplete)]
    except Exception:
        return []
