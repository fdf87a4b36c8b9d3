"""report.html in a real browser: what readers see, on paper, on a phone, by day and by night.

Screenshots are kept where HPSTUDY_SCREENSHOTS says, for people to look at.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from factories import make_grid_records, make_study
from hpstudy import Choice, Grid
from hpstudy.report.build import build_report
from hpstudy.report.digits import aligned
from hpstudy.report.document import Figure, Number, Section, Table
from hpstudy.report.render.files import write_figures, write_report
from hpstudy.report.render.html import to_html
from hpstudy.report.texts import count, signed

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)

CHECK = """
<script>
window.addEventListener("load", () => {
  const head = [...document.querySelectorAll("th button")].find((one) => one.textContent.startsWith("mean"));
  const table = head.closest("table"), place = head.closest("th").cellIndex;
  const values = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[place].dataset.value));
  head.click(); const up = values(); head.click(); const down = values();
  const sorted = (list, sign) => list.every((x, i) => i === 0 || sign * (x - list[i - 1]) >= 0);
  const svgs = [...document.querySelectorAll(".figures svg")];
  document.title = JSON.stringify({
    sorted: sorted(up, 1) && sorted(down, -1),
    figures: svgs.length,
    empty: svgs.filter((one) => !one.closest("details") && one.getBoundingClientRect().height < 40).length,
    saved: document.querySelectorAll(".save button").length / svgs.length,
    open: svgs.filter((one) => !one.closest("details")).length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  });
});
</script></body>
"""


def browse(tmp_path: Path, *arguments: str) -> str:
    assert BROWSER
    fixed = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    command = [BROWSER, *fixed, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout


@pytest.fixture
def page(tmp_path: Path) -> Path:
    study = make_study(vary={"optimizer": Choice("sgd", "momentum", "adam"), "units": Choice(16, 32, 64)}, base={})
    (path,) = write_report(build_report(study, make_grid_records(study)), tmp_path, ["html"])
    path.write_text(path.read_text("utf-8").replace("</body>", CHECK), "utf-8")
    return path


@pytest.mark.parametrize(("width", "name"), [(1200, "desktop"), (500, "phone")])
def test_figures_are_seen_tables_are_sorted_and_nothing_sticks_out(
    page: Path, tmp_path: Path, width: int, name: str
) -> None:
    dom = browse(tmp_path, f"--window-size={width},1600", "--dump-dom", page.as_uri())
    title = dom.split("<title>")[1].split("</title>")[0]
    assert '"sorted":true' in title
    assert '"figures":0' not in title
    assert '"empty":0' in title
    assert '"saved":2' in title  # as SVG and as PNG
    assert '"open":12' in title
    assert '"overflow":0' in title
    if folder := os.environ.get("HPSTUDY_SCREENSHOTS"):
        shot = Path(folder) / f"report-{name}.png"
        browse(tmp_path, f"--window-size={width},3000", f"--screenshot={shot}", page.as_uri())


def test_it_prints_on_paper(page: Path, tmp_path: Path) -> None:
    browse(tmp_path, f"--print-to-pdf={tmp_path / 'report.pdf'}", page.as_uri())
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_korean_labels_are_text_that_the_browser_draws(tmp_path: Path) -> None:
    study = make_study(
        vary={"활성화": Choice("시그모이드", "렐루")}, base={}, network_digest="x", design=Grid(replicates=3)
    )
    records = make_grid_records(
        study,
        value=lambda cell, replicate: 0.5 + 0.1 * cell.number + 0.01 * replicate * cell.number,
    )
    (path,) = write_report(build_report(study, records), tmp_path, ["html"])
    assert ">시그모이드</text>" in browse(tmp_path, "--dump-dom", path.as_uri())
    if folder := os.environ.get("HPSTUDY_SCREENSHOTS"):
        shot = Path(folder) / "report-korean.png"
        browse(tmp_path, "--window-size=1200,2200", f"--screenshot={shot}", path.as_uri())


def test_a_column_has_equal_digits_and_a_dozen_figures_are_open() -> None:
    columns = ("level", "difference", "norm", "n")
    rows = tuple(
        (str(value), *(Number(value=value, text=text) for text in (signed(value), f"{value:.2g}")), count(3))
        for value in (-0.0004167, 0.001, 0.25)
    )
    table = Table(title="Differences", columns=columns, rows=rows)
    figures = tuple(Figure(title=f"figure {n}", caption="", svg="<svg></svg>") for n in range(14))
    section = aligned(Section(title="Factor", tables=(table,), figures=figures))

    assert [str(row[1]) for row in section.tables[0].rows] == ["−0.0004", "+0.0010", "+0.2500"]
    assert [str(row[2]) for row in section.tables[0].rows] == ["-0.00042", "0.001", "0.25"]
    report = build_report(make_study(), make_grid_records(make_study()), figures=False)
    page = to_html(replace(report, sections=(section,)))
    opened, _, folded = page.partition("<details>")
    assert "(2)</summary>" in folded
    assert (opened.count("<svg>"), folded.count("<svg>")) == (12, 2)


def test_a_confusion_matrix_is_coloured_by_the_share_of_the_row() -> None:
    table = Table(
        title="Confusion matrix", columns=("true class", "a", "b"), rows=(("a", count(3), count(1)),), is_shaded=True
    )
    report = build_report(make_study(), make_grid_records(make_study()), figures=False)
    page = to_html(replace(report, sections=(Section(title="Test split", tables=(table,)),)))

    assert 'class="shaded"' in page
    assert "--share:0.75" in page
    assert "--share:0.25" in page


def test_figures_are_files_of_their_own_for_slides(tmp_path: Path) -> None:
    study = make_study(vary={"optimizer": Choice("sgd", "adam"), "units": Choice(16, 64)}, base={})
    report = build_report(study, make_grid_records(study))
    files = write_figures(report, tmp_path)

    assert len(files) == len(report.pictures) + sum(len(section.figures) for section in report.sections)
    assert files[0].name == "01-all-configurations-the-best-first-mean-val_accuracy.svg"
    root = ElementTree.parse(files[0]).getroot()
    assert float(root.attrib["width"]) > 900
    assert "best mean" in "".join(root.itertext())  # its legend is in the file


def test_the_closer_view_leaves_out_what_is_far_off_and_says_so() -> None:
    study = make_study(vary={"units": Choice(8, 16, 32, 64, 128)}, base={}, design=Grid(replicates=3))
    means = (0.9, 0.8995, 0.899, 0.8985, 0.6)  # the last one differs so much by seed that it is not ruled out
    noise = (
        (0.0, 0.006, -0.005),
        (0.005, -0.006, 0.0),
        (-0.006, 0.0, 0.006),
        (0.006, -0.004, -0.002),
        (0.3, -0.1, -0.2),
    )
    records = make_grid_records(study, value=lambda cell, replicate: means[cell.number] + noise[cell.number][replicate])
    report = build_report(study, records)
    closer = next(figure for figure in report.pictures if "nearby" in figure.title)

    assert "Further off: units 128." in closer.caption
    assert ">units 128<" not in closer.svg
    assert ">units 128<" in report.pictures[0].svg


def test_curves_are_of_configurations_where_factors_interact_and_loss_stands_beside_accuracy() -> None:
    study = make_study(vary={"optimizer": Choice("sgd", "adam"), "learning_rate": Choice(0.01, 0.1)}, base={})
    best = {("sgd", 0.1), ("adam", 0.01)}
    records = make_grid_records(
        study,
        value=lambda cell, replicate: 0.01 * replicate + (0.9 if tuple(cell.params.values()) in best else 0.5),
    )
    section = next(one for one in build_report(study, records).sections if one.title == "Factor optimizer")
    curves = [figure for figure in section.figures if "by epoch" in figure.title]

    assert [label for _, label in curves[0].legend] == ["sgd, lr 0.1", "adam, lr 0.01"]
    assert [figure.title.split()[0] for figure in curves[:2]] == ["val_accuracy", "val_loss"]


def test_a_figure_that_one_bad_cell_squeezes_is_drawn_once_more_from_nearby() -> None:
    study = make_study(
        vary={"optimizer": Choice("sgd", "adam"), "depth": Choice(1, 2, 4)}, base={}, design=Grid(replicates=3)
    )
    records = make_grid_records(
        study,
        value=lambda cell, replicate: 0.1 if cell.number == 5 else 0.86 + 0.002 * cell.number + 0.001 * replicate,
    )
    section = next(one for one in build_report(study, records).sections if one.title == "Interactions and variance")

    first, closer = section.figures
    assert closer.title == f"{first.title}, from nearby"
    assert (">0.2<" in first.svg, ">0.2<" in closer.svg) == (True, False)
