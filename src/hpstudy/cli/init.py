"""`hpstudy init`: write a study file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from hpstudy import api
from hpstudy.cli.options import where_options
from hpstudy.errors import UserError

_TEMPLATE = '''"""Which optimizer and learning rate train a small network best?

A paragraph here becomes the description of the study, wherever it is shown.
"""

from hpstudy import Choice, Grid, Study

study = Study(
    name="{name}",
    # fashion_mnist, mnist, imdb or titanic; without download digits, breast_cancer, wine, iris, diabetes, logic_gates
    dataset="digits",
    # what all trials share; `hpstudy factors` lists every factor and its levels
    base=dict(depth=1, units=64, activation="relu", batch_size=32, epochs=10),
    # what the study is about
    vary=dict(
        optimizer=Choice("sgd", "momentum", "adam"),
        learning_rate=Choice(0.001, 0.01, 0.1),
    ),
    # every combination, three times with different seeds: 3 x 3 x 3 = 27 trials
    design=Grid(replicates=3),
    # Or let Optuna search, also over ranges (from hpstudy import Float, Int, Search):
    #   vary=dict(
    #       optimizer=Choice("momentum", "adam"),
    #       learning_rate=Float(1e-4, 1e-1, log=True),
    #       momentum=Float(0.5, 0.99, when={{"optimizer": "momentum"}}),
    #       depth=Int(1, 4),
    #   ),
    #   design=Search(
    #       trials=50,
    #       sampler="tpe",
    #       pruner="median",
    #       first=[{{"optimizer": "adam", "learning_rate": 0.001}}],  # tried first, before Optuna's proposals
    #   ),
)
'''


@click.command("init", epilog="Example: hpstudy init churn --data churn.csv --target Exited && hpstudy run churn.py")
@click.argument("name")
@click.option("--data", "file", metavar="FILE", help="A table of your own, in CSV, Parquet, … It is read, not copied.")
@click.option("--target", metavar="COLUMN", help="Its column to predict.")
@where_options
def init_command(where: api.Where, name: str, file: str | None, target: str | None) -> None:
    """Write NAME.py, a commented study file to start from."""
    from hpstudy.study.designs import Grid
    from hpstudy.study.spec import Study

    if (file is None) != (target is None):
        raise UserError("--data and --target go together: the file, and its column to predict. Give both.")
    Study(name=name, dataset="digits", design=Grid())  # refuses an invalid name before a file is written
    path = Path(f"{name}.py")
    if path.exists():
        raise UserError(f"{path} already exists and is not overwritten. Choose another name or remove it.")
    text = _TEMPLATE.format(name=name)
    if file is not None and target is not None:
        from hpstudy.api.showing import draft

        text = draft(name, file, target, where)
    try:
        with path.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {path}. Run it with: hpstudy run {path}")
