"""The benchmark suite still runs: a cheap part of it, the harness, and the page that is made of results."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import PARTS, run_part
from benchmarks.filled import fill, search
from benchmarks.harness import Options, Report, Row, Run, Skipped, faster, interleaved, save
from benchmarks.pages import write_pages
from hpstudy.storage import Store


def test_a_part_runs_in_its_smallest_size() -> None:
    report = run_part("structure", Options(smoke=True))
    assert report is not None
    assert [row.met for row in report.rows] == [True]


def test_sides_run_in_turn_and_a_missing_peer_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    order = []

    def side(name: str, seconds: float) -> Run:
        order.append(name)
        return Run(value=seconds, accuracy=0.9)

    def missing() -> Run:
        raise Skipped("it is not installed")

    sides = interleaved({"ours": lambda: side("ours", 1.0), "theirs": lambda: side("theirs", 6.0), "x": missing}, 2)
    assert order == ["ours", "theirs", "ours", "theirs"]
    assert "x is skipped: it is not installed" in capsys.readouterr().err
    row = faster("work", sides, "ours", "theirs", 5.0)
    assert (row.reached, row.met) == ("6.0 ×", True)


def test_the_page_is_made_of_the_newest_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr("benchmarks.harness.RESULTS", tmp_path)
    sides = interleaved({"ours": lambda: Run(value=1.0, accuracy=0.9), "theirs": lambda: Run(value=3.0)}, 3)
    row: Row = faster("work", sides, "ours", "theirs", 5.0)
    lines = {"title": "t", "xlabel": "x", "ylabel": "y", "lines": {"a": [(1, 2.0), (2, 3.0)]}}
    scaling = tmp_path / "scaling.md"
    scaling.write_text("<!-- results --><!-- end of results -->", encoding="utf-8")
    save("growth", Report(rows=[row], curves={"curve": lines}), Options(), 1.0)
    write_pages(docs=tmp_path, results=tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "| work | 1 s (1–1, 3 runs), accuracy 0.9000 | theirs: 3 s (3–3, 3 runs) | ≥ 5 × faster | 3.0 × |" in text
    assert "old" not in text
    assert text.startswith("before")
    assert text.endswith("after\n")
    assert (tmp_path / "images" / "bench-growth-curve.svg").exists()
    assert "![t, y by x](images/bench-growth-curve.svg)" in scaling.read_text(encoding="utf-8")


def test_a_filled_database_is_one_that_hpstudy_reads(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'study.db'}")
    study = search(30)
    queue = fill(store, study, 20)
    records = queue.trials.records()
    assert (queue.trials.progress().complete, queue.trials.progress().waiting) == (20, 10)
    assert {len(record.history) for record in records} == {10}
    for record in records:
        study.check_params(record.params)
    store.close()


def test_every_part_is_described_in_the_documentation() -> None:
    text = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert not [name for name in PARTS if f"`{name}`" not in text]
