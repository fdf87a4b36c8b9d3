"""`hpstudy data`: find, fetch, verify and show the datasets."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from hpstudy import api
from hpstudy.cli.options import json_option, settings_options, where_options
from hpstudy.cli.terminal import echo
from hpstudy.errors import HpstudyError
from hpstudy.settings import Settings


@click.group("data", epilog="Example: hpstudy data fetch fashion_mnist")
def data_command() -> None:
    """List, fetch, verify and show the datasets."""


@data_command.command("list", epilog="Example: hpstudy data list")
@settings_options
@json_option
def list_command(settings: Settings, as_json: bool) -> None:
    """Show every dataset and where it was found."""
    from hpstudy import data
    from hpstudy.api import tables
    from hpstudy.study.catalog import DATASETS

    rows = []
    for name, info in DATASETS.items():
        source = data.locate(name, settings)
        place = f"{source.place}: {source.files[0].parent}" if source and source.files else source and source.place
        rows.append((name, info.title, len(info.classes), place))
    if as_json:
        columns = ("name", "title", "classes", "where")
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False))
        return
    rows = [(*row[:3], row[3] or f"not here; hpstudy data fetch {row[0]}") for row in rows]
    tables.console().print(tables.make_table(None, ("name", "dataset", "classes", "where"), rows))


@data_command.command("show", epilog="Example: hpstudy data show churn.py")
@click.argument("file", type=click.Path(path_type=Path), metavar="STUDY.py")
@where_options
@json_option
def show_command(where: api.Where, file: Path, as_json: bool) -> None:
    """Show what was understood of a study's dataset: columns, classes, splits, and what may be wrong with it."""
    from hpstudy.api import showing, tables
    from hpstudy.study.studyfile import load

    study, found = showing.show(load(file).study, where)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), ensure_ascii=False))
        return
    console, title = tables.console(), study.dataset_info.title
    if found.columns:
        columns = [(one.name, one.use, f"{one.missing:.1%}", one.detail) for one in found.columns]
        console.print(tables.make_table(title, ("column", "as", "missing", "what is known"), columns))
    classes = [(name, *parts.values()) for name, parts in found.classes.items()]
    rows = [*classes, ("all", *found.parts.values())]
    console.print(tables.make_table(None if found.columns else title, ("class", *found.parts), rows))
    click.echo(f"A row becomes {' × '.join(map(str, found.inputs))} inputs.")
    for warning in found.warnings:
        echo(warning, fg="yellow")


@data_command.command("fetch", epilog="Example: hpstudy data fetch fashion_mnist imdb")
@click.argument("names", nargs=-1, required=True)
@settings_options
def fetch_command(settings: Settings, names: tuple[str, ...]) -> None:
    """Fetch datasets that are not on this machine yet."""
    from hpstudy.api.fetching import fetch
    from hpstudy.api.view import TerminalView
    from hpstudy.study.factors import dataset_info

    for name in names:
        dataset_info(name)
    for name in names:
        click.echo(f"{name}: {fetch(name, settings, TerminalView())}")


@data_command.command("verify", epilog="Example: hpstudy data verify")
@click.argument("names", nargs=-1)
@settings_options
@click.pass_context
def verify_command(ctx: click.Context, settings: Settings, names: tuple[str, ...]) -> None:
    """Read datasets in full and check them; without NAMES, check every dataset that is found."""
    from hpstudy import data
    from hpstudy.study.catalog import DATASETS
    from hpstudy.study.factors import dataset_info

    for name in names:
        dataset_info(name)
    found = [name for name in DATASETS if data.locate(name, settings)]
    broken = False
    for name in names or found:
        try:
            source = data.verify(name, settings)
            click.echo(f"{name}: good ({source.place})")
        except HpstudyError as error:
            broken = True
            echo(f"{name}: {error}", fg="red", err=True)
    ctx.exit(1 if broken else 0)
