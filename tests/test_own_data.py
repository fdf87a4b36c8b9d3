"""Tables of a user's own: declared, found, read, encoded, recorded, and served."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpstudy import Grid, Study, Table, data
from hpstudy.data.kind import kind_of
from hpstudy.errors import DatasetError, NotFoundError, UserError
from hpstudy.settings import Settings
from hpstudy.study.studyfile import load
from hpstudy.training.trainer import Trainer
from kind_contract import check_kind
from tls import TlsFront, make_certificate


def settings_in(folder: Path, data_dir: Path | None = None) -> Settings:
    told = {"home": str(folder / "home"), "data_dir": str(data_dir) if data_dir else None}
    return replace(Settings.load(told), cache_dir=folder / "cache")


def customers(path: Path, *, delimiter: str = ",", comma: bool = False, rows: int = 120) -> Path:
    """A table with an identifier, numbers of which some are missing, cities and a constant; the label is a text."""
    rng = random.Random(7)
    lines = [delimiter.join(("Row", "Score", "City", "Bank", "Exited"))]
    for row in range(rows):
        score = "" if row % 10 == 0 else f"{rng.uniform(300, 800):.1f}"
        city = rng.choice(("Berlin", "Paris", "Rome"))
        lines.append(
            delimiter.join((str(row), score.replace(".", "," if comma else "."), city, "x", "yes" if row % 3 else "no"))
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def table_in(folder: Path, **fields: Any) -> tuple[Table, Settings]:
    settings = settings_in(folder)
    table = Table("customers.csv", target="Exited", folder=folder, **fields)
    return data.resolved(table, settings), settings


def test_a_table_of_ones_own_is_served_as_it_was_trained(tmp_path: Path) -> None:
    customers(tmp_path / "customers.csv")
    table, settings = table_in(tmp_path)
    check_kind(table, {}, settings)  # type: ignore[arg-type]


def test_identifiers_and_constants_are_left_out_and_a_missing_number_is_marked(tmp_path: Path) -> None:
    customers(tmp_path / "customers.csv")
    table, settings = table_in(tmp_path)
    arrays = data.prepare(table, {}, 42, settings)
    assert arrays.classes == ("no", "yes")
    assert arrays.features == 2 + 3 + 1  # the score and its mark, three cities, and all others
    columns = data.row_description(table, {}, arrays, settings)["columns"]
    assert list(columns) == ["Score", "City"]
    assert set(columns["City"]["levels"]) == {"Berlin", "Paris", "Rome"}


def test_served_rows_may_lack_values_have_other_columns_and_unseen_categories(tmp_path: Path) -> None:
    customers(tmp_path / "customers.csv")
    table, settings = table_in(tmp_path)
    description = data.row_description(table, {}, data.prepare(table, {}, 42, settings), settings)
    rows = pd.DataFrame({"extra": [1, 2], "City": ["Oslo", None], "Score": [500.0, np.nan]})
    served = kind_of(table, {}).serve(rows, description)
    fill = description["columns"]["Score"]["fill"]
    np.testing.assert_array_equal(served, np.array([[500, 0, 0, 0, 0, 1], [fill, 1, 0, 0, 0, 1]], np.float32))


def test_a_german_table_gives_the_same_arrays(tmp_path: Path) -> None:
    customers(tmp_path / "customers.csv")
    english, settings = table_in(tmp_path)
    expected = data.prepare(english, {}, 42, settings)
    customers(tmp_path / "customers.csv", delimiter=";", comma=True)
    german = data.resolved(replace(english, content=None), settings)
    assert german != english
    assert data.prepare(german, {}, 42, settings).digest == expected.digest


def test_a_declaration_with_a_table_comes_back_from_its_json(tmp_path: Path) -> None:
    customers(tmp_path / "customers.csv")
    table, _ = table_in(tmp_path, drop="Row")
    study = Study(name="churn", dataset=table, design=Grid())
    assert Study.from_json(study.to_json()) == study
    changed = replace(study, dataset=replace(table, drop=()))
    assert changed.changes(study) == ['dataset.table.drop: removed, was ["Row"]']


def test_a_table_lies_beside_its_study_file_or_below_the_data_folder(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    customers(own / "customers.csv")
    (own / "s.py").write_text(
        "from hpstudy import Grid, Study, Table\n"
        'study = Study(name="s", dataset=Table("customers.csv", target="Exited"), design=Grid())\n'
    )
    table = load(own / "s.py").study.dataset
    assert isinstance(table, Table)
    resolved = replace(data.resolved(table, settings_in(own)), folder=other)
    assert data.locate(resolved, settings_in(other)) is None
    with pytest.raises(NotFoundError, match=r"(?s)customers\.csv is not on this machine.*other/customers\.csv"):
        data.fetch(resolved, settings_in(other))
    assert data.fetch(resolved, settings_in(other, data_dir=own)).files


def test_a_file_with_another_content_is_refused_by_name(tmp_path: Path) -> None:
    customers(tmp_path / "customers.csv")
    table, settings = table_in(tmp_path)
    shutil.rmtree(settings.cache_dir)
    customers(tmp_path / "customers.csv", rows=130)
    with pytest.raises(UserError, match=r"customers\.csv is not what the study was begun with"):
        data.fetch(table, settings)


def test_a_run_goes_on_with_the_content_that_it_began_with(tmp_path: Path) -> None:
    file = customers(tmp_path / "customers.csv")
    table, settings = table_in(tmp_path)
    before = data.prepare(table, {}, 42, settings).digest
    file.unlink()
    assert data.prepare(table, {}, 43, settings).classes == ("no", "yes")
    assert data.prepare(table, {}, 42, settings).digest == before


def frame_of_customers() -> pd.DataFrame:
    """Numbers, texts, truth values, dates and groups, all of them typed, of which some are missing."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "Score": rng.uniform(300, 800, 120).round(1),
            "Visits": rng.integers(0, 50, 120),
            "City": rng.choice(["Berlin", "Paris", "Rome"], 120),
            "Active": rng.random(120) < 0.5,
            "Since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.permutation(120), unit="D"),
            "Household": np.arange(120) // 4,
            "Exited": np.where(np.arange(120) % 3 == 0, "no", "yes"),
        }
    )
    frame.loc[::10, "Score"] = np.nan
    return frame


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    match path.name.partition(".")[2]:
        case "parquet":
            frame.to_parquet(path)
        case "feather":
            frame.to_feather(path)
        case "jsonl":
            frame.to_json(path, orient="records", lines=True, date_format="iso")
        case "xlsx":
            frame.to_excel(path, index=False)
        case "tsv":
            frame.to_csv(path, index=False, sep="\t")
        case _:
            frame.to_csv(path, index=False)


def arrays_of(path: Path, folder: Path, **fields: Any) -> tuple[data.Arrays, Table, Settings]:
    settings = settings_in(folder)
    table = data.resolved(Table(path.name, target="Exited", folder=path.parent, **fields), settings)
    return data.prepare(table, {}, 42, settings), table, settings


@pytest.mark.parametrize("ending", ["csv.gz", "tsv", "parquet", "feather", "jsonl", "xlsx"])
def test_every_format_gives_the_same_arrays(tmp_path: Path, ending: str) -> None:
    if ending == "xlsx":
        pytest.importorskip("openpyxl", reason="openpyxl is not installed, which reads and writes Excel")
    write_frame(frame_of_customers(), tmp_path / "c.csv")
    write_frame(frame_of_customers(), tmp_path / f"d.{ending}")
    expected, _, _ = arrays_of(tmp_path / "c.csv", tmp_path)
    found, table, settings = arrays_of(tmp_path / f"d.{ending}", tmp_path)
    assert found.digest == expected.digest
    check_kind(table, {}, settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("encoding", "city"),
    [("utf-8", "서울"), ("utf-8-sig", "서울"), ("utf-16", "서울"), ("cp949", "서울"), ("cp1252", "Köln")],
)
def test_the_encoding_of_a_text_file_is_found_out(tmp_path: Path, encoding: str, city: str) -> None:
    lines = "\n".join(
        f"{row % 7},{city if row % 2 else 'Rome'},{'예' if city == '서울' else 'ä'}{row % 3}" for row in range(60)
    )
    (tmp_path / "c.csv").write_text(f"n,City,Exited\n{lines}\n", encoding=encoding)
    arrays, table, settings = arrays_of(tmp_path / "c.csv", tmp_path)
    assert data.row_description(table, {}, arrays, settings)["columns"]["City"]["levels"] == sorted(("Rome", city))
    assert arrays.classes[0] == ("예0" if city == "서울" else "ä0")


def test_truth_values_and_dates_are_inputs_as_the_file_and_as_programs_have_them(tmp_path: Path) -> None:
    frame = frame_of_customers()
    frame["Since"] = frame["Since"].dt.strftime("%d.%m.%Y")
    write_frame(frame, tmp_path / "c.csv")
    arrays, table, settings = arrays_of(tmp_path / "c.csv", tmp_path, drop=("Score", "Visits", "City", "Household"))
    assert arrays.features == 1 + 4
    description = data.row_description(table, {}, arrays, settings)
    kind = kind_of(table, {})
    first = pd.Timestamp(description["columns"]["Since"]["first"])
    told = pd.DataFrame({"Active": ["True", "False"], "Since": ["15.02.2020", None]})
    typed = pd.DataFrame({"Active": [True, False], "Since": pd.to_datetime(["2020-02-15", None])})
    served = kind.serve(told, description)
    assert served[0].tolist() == [1, (pd.Timestamp("2020-02-15") - first).days, 2, 15, 5]
    np.testing.assert_array_equal(served, kind.serve(typed, description))


def test_a_zip_code_that_is_told_to_be_a_category_keeps_its_zeros(tmp_path: Path) -> None:
    lines = "\n".join(f"{'007' if row % 2 else '7'},{row % 3}" for row in range(60))
    (tmp_path / "c.csv").write_text(f"zip,Exited\n{lines}\n")
    arrays, table, settings = arrays_of(tmp_path / "c.csv", tmp_path, categorical="zip")
    assert data.row_description(table, {}, arrays, settings)["columns"]["zip"]["levels"] == ["007", "7"]


def parts_of(path: Path, folder: Path, **fields: Any) -> list[set[float]]:
    """The visits of training, validation and test rows, where every row has its own number of visits."""
    arrays, table, settings = arrays_of(path, folder, numeric="Visits", **fields)
    test = data.prepare_test(table, {}, 42, settings)
    return [set(x[:, 0].tolist()) for x in (arrays.x[arrays.train], arrays.x[arrays.validation], test.x)]


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("a,b\n1,x\n2,y\n", {"target": "c"}, r"t\.csv has no column 'c'"),
        ("age,Exited\n1,x\n2,y\n", {"target": "exited"}, "Did you mean 'Exited'"),
        ("a,a,c\n1,2,x\n1,2,y\n", {"target": "c"}, "has the column 'a' twice"),
        ("a,c\n1,x\n2,\n3,x\n", {"target": "c"}, r"no label in column 'c' in 1 of 3 rows, first in line 3"),
        ("a,c\n1,x\n2,x\n", {"target": "c"}, "only the label 'x'"),
        ("a,c\n1,x\n2,y\n3,z\n", {"target": "c"}, "an identifier or a quantity"),
        (
            "a,c\n" + "".join(f"1,{row}\n" for row in (*range(20), "?x")),
            {"target": "c"},
            "All but 1 of them are numbers",
        ),
        ("a,c\n1,x\nq,y\n1,x\n1,y\n", {"target": "c", "numeric": "a"}, r"has 'q' as a in line 3"),
        ("a,c\n1,x\n2\n", {"target": "c"}, "has 1 cells in line 3"),
        ("a,c\n", {"target": "c"}, "has no rows"),
        ('a,c\n1,x\n2,"y\n3,x\n', {"target": "c"}, "cut off or damaged after line 2"),
        ("a,c\n1,x\n2,y\n3,", {"target": "c"}, "is cut off in its last line, 4"),
        ("a,c,g\n1,x,1\n2,y,\n3,x,1\n4,y,2\n", {"target": "c", "group": "g"}, "has no g in line 3"),
        (
            "a,c,t\n1,x,2020-01-01\n2,y,soon\n3,x,2020-01-02\n",
            {"target": "c", "time": "t"},
            "has 'soon' as t in line 3",
        ),
        ("", {"target": "c"}, "has no "),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_a_sentence(
    tmp_path: Path, text: str, fields: dict[str, Any], message: str
) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        data.resolved(Table("t.csv", folder=tmp_path, **fields), settings_in(tmp_path))
    assert "data fetch" not in str(caught.value)


def test_the_rows_of_a_group_are_in_one_part(tmp_path: Path) -> None:
    frame = frame_of_customers().assign(Visits=np.arange(120))[["Visits", "Household", "Exited"]]
    write_frame(frame, tmp_path / "c.csv")
    households = [
        {visits // 4 for visits in part} for part in parts_of(tmp_path / "c.csv", tmp_path, group="Household")
    ]
    assert all(households)
    assert sum(map(len, households)) == len(set.union(*households)) == 30


def test_the_latest_rows_are_for_the_test_and_the_latest_of_the_rest_for_validation(tmp_path: Path) -> None:
    frame = frame_of_customers().assign(Visits=np.arange(120))
    frame["Since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(120), unit="D")
    write_frame(frame[["Visits", "Since", "Exited"]].sample(frac=1, random_state=1), tmp_path / "c.csv")
    train, validation, test = parts_of(tmp_path / "c.csv", tmp_path, time="Since", test=0.25)
    assert (max(train) + 1, max(validation) + 1, max(test)) == (min(validation), min(test), 119)
    assert len(test) == 30


def test_a_test_split_may_be_a_file_of_its_own(tmp_path: Path) -> None:
    frame = frame_of_customers().assign(Visits=np.arange(120))[["Visits", "Exited"]]
    write_frame(frame[:90], tmp_path / "c.csv")
    write_frame(frame[90:], tmp_path / "later.parquet")
    train, validation, test = parts_of(tmp_path / "c.csv", tmp_path, test="later.parquet")
    assert test == set(range(90, 120))
    assert train | validation == set(range(90))
    (tmp_path / "later.parquet").unlink()
    with pytest.raises(UserError, match=r"later\.parquet is not on this machine"):
        arrays_of(tmp_path / "c.csv", tmp_path, test="later.parquet")


def test_rows_without_a_label_are_left_out_on_demand(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,c\n" + "1,x\n2,y\n" * 20 + "3,\n")
    table = Table("t.csv", target="c", folder=tmp_path, drop_missing_target=True)
    resolved = data.resolved(table, settings_in(tmp_path))
    assert resolved.content
    assert resolved.content.rows == 32


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"t\.parquet cannot be read"):
        data.resolved(Table("t.parquet", target="b", folder=tmp_path), settings_in(tmp_path))


def test_a_column_of_weights_says_how_much_rows_count_and_is_no_input(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "trust": rng.choice([0, 2], 200)})
    frame["y"] = (frame["a"] > 0) ^ (frame["trust"] == 0)  # what nobody trusts is wrong
    frame.to_csv(tmp_path / "t.csv", index=False)
    settings = settings_in(tmp_path)
    table = data.resolved(Table("t.csv", target="y", weight="trust", folder=tmp_path), settings)
    study = Study(name="s", dataset=table, base={"epochs": 30, "learning_rate": 0.02}, design=Grid())
    arrays = data.prepare(table, {}, 42, settings)
    assert arrays.features == 1
    assert arrays.weights is not None
    assert arrays.weights[arrays.train].mean() == pytest.approx(1)
    assert set(arrays.weights == 0) == {True, False}
    training = Trainer().start(study.config({}), 42, arrays)
    list(training)
    training.result()
    predicted = np.asarray(training.network(arrays.x * arrays.scale + arrays.offset))[:, 0] > 0.5
    is_trusted = arrays.weights > 0
    assert (predicted == arrays.y)[is_trusted].mean() > 0.9
    assert (predicted == arrays.y)[~is_trusted].mean() < 0.1


def test_a_declaration_names_each_column_once() -> None:
    with pytest.raises(UserError, match="names the column 'a' twice"):
        Table("t.csv", target="a", drop=("a",))


def test_texts_of_several_words_beside_other_columns_become_their_most_frequent_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    notes = [f"the {rng.choice(['angry', 'happy'])} customer wrote letter{row}" for row in range(120)]
    frame = frame_of_customers().assign(Note=notes, Name=[f"A{row} B{row}" for row in range(120)])
    write_frame(frame[["Visits", "Note", "Name", "Exited"]], tmp_path / "c.csv")
    settings = settings_in(tmp_path)
    table = data.resolved(Table("c.csv", target="Exited", folder=tmp_path), settings)
    check_kind(table, {}, settings)
    description = data.row_description(table, {}, data.prepare(table, {}, 42, settings), settings)
    assert set(description["columns"]) == {"Visits", "Note"}
    words = description["columns"]["Note"]["words"]
    assert set(words) == {"the", "angry", "happy", "customer", "wrote"}
    rows = pd.DataFrame({"Visits": [1.0, 2.0], "Note": ["The ANGRY one.", None]})
    served = kind_of(table, {}).serve(rows, description)[:, -len(words) :]
    assert [{word for word, one in zip(words, row, strict=True) if one} for row in served] == [{"the", "angry"}, set()]
    told = data.resolved(Table("c.csv", target="Exited", text="Name", max_words=2, folder=tmp_path), settings)
    assert "Name" not in data.row_description(told, {}, data.prepare(told, {}, 42, settings), settings)["columns"]


def test_a_class_with_too_few_rows_is_named_as_in_the_file_that_was_declared(tmp_path: Path) -> None:
    rows = [f"{row},{'yes' if row else 'no'}" for row in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *rows]))
    settings = settings_in(tmp_path)
    table = data.resolved(Table("t.csv", target="y", folder=tmp_path), settings)
    with pytest.raises(DatasetError, match=r"^t\.csv: .* the label 'no' has 1 of 30 rows\. Add rows of that class"):
        data.prepare(table, {}, 42, settings)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("y\n" + "a\nb\n" * 20, "has no column besides y, so nothing can predict it"),
        (",y\n" + "1,a\n1,b\n" * 20, r"the others \(one without a name\) are dropped, constant"),
    ],
)
def test_a_table_without_another_column_that_can_tell_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    settings = settings_in(tmp_path)
    table = data.resolved(Table("t.csv", target="y", folder=tmp_path), settings)
    with pytest.raises(DatasetError, match=sentence):
        data.prepare(table, {}, 42, settings)


def test_a_file_may_lie_on_a_server_and_is_taken_from_the_cache_where_that_is_away(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed, which reads addresses")
    pytest.importorskip("aiohttp")
    customers(tmp_path / "c.csv")
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/c.csv?raw=1"
        settings = settings_in(tmp_path)
        found = data.resolved(Table(address, target="Exited"), settings)
        server.shutdown()
    assert found.content.rows == 96
    assert data.resolved(Table(address, target="Exited"), settings) == found
    with pytest.raises(UserError, match=r"cannot be read: .* Check the address and the connection"):
        data.resolved(Table(address, target="Exited"), settings_in(tmp_path / "elsewhere"))


def test_a_file_is_read_by_https_from_a_server_whose_certificate_is_known(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed, which fsspec reads https:// with")
    customers(tmp_path / "c.csv")
    certificate = make_certificate(tmp_path)
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, TlsFront(server.server_port, certificate) as front:
        Thread(target=server.serve_forever, daemon=True).start()
        table = f"Table('https://localhost:{front.port}/c.csv', target='Exited')"
        code = "from hpstudy import Table, data; from hpstudy.settings import Settings; "
        code += f"print(data.resolved({table}, Settings.load({{}})).content.rows)"
        told = {}
        for name, trusted in (("known", {"SSL_CERT_FILE": str(certificate)}), ("unknown", {})):
            environment = {**os.environ, "HPSTUDY_CACHE_DIR": str(tmp_path / name), **trusted}
            command = [sys.executable, "-c", code]
            told[name] = subprocess.run(
                command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
            )
        server.shutdown()
    assert told["known"].stdout == "96\n"
    assert "cannot be read" in told["unknown"].stderr
    assert "CERTIFICATE_VERIFY_FAILED" in told["unknown"].stderr


def test_a_file_may_lie_wherever_fsspec_can_read_it(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed, which reads addresses")
    with fsspec.open("memory://own/c.csv", "wb") as stream:
        stream.write(customers(tmp_path / "c.csv").read_bytes())
    table, settings = Table("memory://own/c.csv", target="Exited"), settings_in(tmp_path)
    found = data.resolved(table, settings)
    check_kind(found, {}, settings)  # type: ignore[arg-type]
    assert str(found) == "c"


def test_no_password_is_recorded_with_the_address_of_a_file() -> None:
    with pytest.raises(UserError, match="a user or password"):
        Table("https://me:secret@example.org/c.csv", target="Exited")
