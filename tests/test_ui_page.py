"""MLflow's own pages on a finished study, in a real browser: parent, children, charts and the report are there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from factories import make_grid_records, make_mlflow_settings, make_study
from hpstudy import Choice, Grid
from hpstudy.report.build import build_report
from hpstudy.tracking.mlflow import Mirror
from hpstudy.tracking.mlflow.server import ui_command, ui_environment
from test_report_page import BROWSER
from waiting import await_answer

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright in this environment (pip: playwright)")
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)

_QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of the experiment of a finished study of four cells × two replicates, and its run."""
    settings = make_mlflow_settings(tmp_path_factory.mktemp("ui") / "home")
    vary = {"optimizer": Choice("sgd", "adam"), "learning_rate": Choice(0.001, 0.01)}
    study = make_study(vary=vary, base={}, design=Grid(replicates=2))
    records = make_grid_records(study)
    mirror = Mirror(settings, study)
    mirror.sync(records, state="finished")
    mirror.keep_report(build_report(study, records))
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ui_command(settings, port=port), env=ui_environment(settings), cwd=settings.home, start_new_session=True
    )
    try:
        await_answer(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/#/experiments/{mirror.experiment_id}", mirror.parent_run_id()
    finally:
        os.killpg(server.pid, 9)
        server.wait()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=list(_QUIET))
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        page.set_default_timeout(90_000)
        yield page
        browser.close()


def shoot(page: Any, folder: Path, name: str) -> None:
    """Look at it afterwards; HPSTUDY_SCREENSHOTS keeps it."""
    page.screenshot(path=folder / name)
    if kept := os.environ.get("HPSTUDY_SCREENSHOTS"):
        shutil.copy(folder / name, kept)


def test_the_table_shows_parent_and_children_by_what_varied(ui: tuple[str, str], page: Any, tmp_path: Path) -> None:
    page.goto(f"{ui[0]}/runs")
    page.get_by_text("optimizers", exact=True).last.wait_for()
    page.locator(".ag-row [role=button], .ag-row button").first.click()  # unfolds the children
    page.get_by_text("adam · lr 0.01 · r1").first.wait_for()
    for cell in ("sgd · lr 0.001", "sgd · lr 0.01", "adam · lr 0.001", "adam · lr 0.01"):
        for replicate in (0, 1):
            assert page.get_by_text(f"{cell} · r{replicate}", exact=True).count()
    shoot(page, tmp_path, "mlflow-runs.png")


def test_charts_are_drawn(ui: tuple[str, str], page: Any, tmp_path: Path) -> None:
    page.goto(f"{ui[0]}/runs?compareRunsMode=CHART")
    page.locator(".js-plotly-plot svg.main-svg").first.wait_for()
    assert page.locator(".js-plotly-plot").count()
    shoot(page, tmp_path, "mlflow-charts.png")


def test_the_report_opens_among_the_artifacts(ui: tuple[str, str], page: Any, tmp_path: Path) -> None:
    page.goto(f"{ui[0]}/runs/{ui[1]}/artifacts/report.html")
    frame = page.frame_locator("iframe").first
    frame.get_by_text("Report on optimizers").first.wait_for()
    frame.locator(".figures svg").first.wait_for()
    shoot(page, tmp_path, "mlflow-report.png")
