"""MLflow's own pages on a finished study, in a real browser: the prepared view, parent, children and the report."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from factories import make_grid_records, make_mlflow_settings, make_study
from hpstudy import Choice, Grid
from hpstudy.cli import main
from hpstudy.report.build import build_report
from hpstudy.tracking.mlflow import Mirror
from postgres import free_port
from test_report_page import BROWSER
from waiting import await_answer

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright in this environment (pip: playwright)")
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)

_QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str, int]]:
    """A finished study of four cells × two replicates: its experiment's address, its run, what `ui` says, the port."""
    settings = make_mlflow_settings(tmp_path_factory.mktemp("ui") / "home")
    vary = {"optimizer": Choice("sgd", "adam"), "learning_rate": Choice(0.001, 0.01)}
    study = make_study(vary=vary, base={}, design=Grid(replicates=2))
    records = make_grid_records(study)
    mirror = Mirror(settings, study)
    mirror.sync(records, state="finished")
    mirror.keep_report(build_report(study, records))
    base = f"http://127.0.0.1:{(port := free_port())}"
    where = ["--home", str(settings.home), "--tracking-uri", settings.tracking_uri]
    command = [sys.executable, "-m", "hpstudy", "ui", "--port", str(port), *where]
    log = settings.home / "ui.log"
    with log.open("w") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        await_answer(f"{base}/health", server)
        yield f"{base}/#/experiments/{mirror.experiment_id}", mirror.parent_run_id(), log.read_text(), port
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
        with pytest.raises(ConnectionRefusedError):  # MLflow's server has ended with the command
            socket.create_connection(("127.0.0.1", port))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=list(_QUIET))
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        page.set_default_timeout(90_000)
        page.add_init_script(CLOSED)
        yield page
        browser.close()


CLOSED = """  // MLflow's assistant, which opens by itself in a new browser
  localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
  localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
"""
DRAWN = """() => {
  const plots = [...document.querySelectorAll(".js-plotly-plot")];
  const lines = (plots[0]?.data ?? []).filter((one) => one.mode === "lines+markers");
  const bars = [...document.querySelectorAll(".bartext")].map((one) => one.textContent);
  return [lines.length, bars];
}"""


def shoot(page: Any, folder: Path, name: str) -> None:
    """Look at it afterwards; HPSTUDY_SCREENSHOTS keeps it."""
    page.screenshot(path=folder / name)
    if kept := os.environ.get("HPSTUDY_SCREENSHOTS"):
        shutil.copy(folder / name, kept)


def test_the_table_shows_parent_and_children_by_what_varied(
    ui: tuple[str, str, str, int], page: Any, tmp_path: Path
) -> None:
    page.goto(f"{ui[0]}/runs")
    page.get_by_text("optimizers", exact=True).last.wait_for()
    page.locator(".ag-row [role=button], .ag-row button").first.click()  # unfolds the children
    page.get_by_text("adam · lr 0.01 · r1").first.wait_for()
    for cell in ("sgd · lr 0.001", "sgd · lr 0.01", "adam · lr 0.001", "adam · lr 0.01"):
        for replicate in (0, 1):
            assert page.get_by_text(f"{cell} · r{replicate}", exact=True).count()
    shoot(page, tmp_path, "mlflow-runs.png")


def test_the_address_opens_the_view_that_the_study_declares(
    ui: tuple[str, str, str, int], page: Any, tmp_path: Path
) -> None:
    address = ui[2].split("optimizers: ")[1].split()[0]
    page.goto(address)
    page.locator(".js-plotly-plot .barlayer .bartext").first.wait_for()
    assert page.get_by_text("adam · lr 0.01 · r0", exact=True).count()
    page.get_by_text("optimizer: adam, learning_rate: 0.01").first.wait_for()
    page.wait_for_function(f"() => ({DRAWN})()[0] >= 4")  # epochs are read after the last values
    lines, bars = page.evaluate(DRAWN)
    assert lines == 4  # configurations
    assert bars == sorted(bars)
    assert len(bars) == 4
    assert float(bars[-1]) == pytest.approx(0.8, abs=0.01)  # the score of the best configuration
    shoot(page, tmp_path, "mlflow-charts.png")


def test_a_second_page_on_the_same_port_is_refused_in_a_sentence(ui: tuple[str, str, str, int], tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    again = CliRunner().invoke(main, ["ui", "--port", str(ui[3]), "--home", str(tmp_path)])
    assert again.exit_code == 1
    assert f"Port {ui[3]} is taken" in again.output


def test_the_report_opens_among_the_artifacts(ui: tuple[str, str, str, int], page: Any, tmp_path: Path) -> None:
    page.goto(f"{ui[0]}/runs/{ui[1]}/artifacts/report.html")
    frame = page.frame_locator("iframe").first
    frame.get_by_text("Report on optimizers").first.wait_for()
    frame.locator(".figures svg").first.wait_for()
    shoot(page, tmp_path, "mlflow-report.png")
