"""`hpstudy factors`: what a study file can vary."""

from __future__ import annotations

import json

import click

from hpstudy.cli.options import json_option
from hpstudy.errors import UserError


@click.command("factors", epilog="Example: hpstudy factors optimizer")
@click.argument("name", required=False)
@json_option
def factors_command(name: str | None, as_json: bool) -> None:
    """List the built-in factors with their levels and defaults; with NAME, only that one."""
    from hpstudy.api import tables
    from hpstudy.study.factors import FACTORS, unknown

    if name and name not in FACTORS:
        raise UserError(unknown("factor", name, FACTORS))
    found = [FACTORS[name]] if name else list(FACTORS.values())
    if as_json:
        columns = ("name", "meaning", "levels", "default")
        rows = [(one.name, one.meaning, one.check.legal, one.default) for one in found]
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False))
        return
    shown = [(one.name, one.check.legal, one.default, one.meaning) for one in found]
    tables.console().print(tables.make_table(None, ("factor", "levels", "default", "meaning"), shown))
    if not name:
        click.echo("–: the dataset or the optimizer decides, or it is off. Your own network may have more factors.")
