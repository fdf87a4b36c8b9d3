"""Makers of small datasets in the formats of the real ones, and of a web server that misbehaves on request."""

from __future__ import annotations

import csv
import gzip
import io
import os
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from hpstudy.settings import Settings

IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_REAL_FILES = {
    "fashion_mnist": "fashion-mnist/train-images-idx3-ubyte.gz",
    "imdb": "imdb.npz",
    "titanic": "titanic.csv",
}
_KAGGLE_COLUMNS = (
    *("PassengerId", "Survived", "Pclass", "Name", "Sex", "Age"),
    *("SibSp", "Parch", "Ticket", "Fare", "Cabin", "Embarked"),
)
_OPENML_COLUMNS = (
    *("pclass", "survived", "name", "sex", "age", "sibsp"),
    *("parch", "ticket", "fare", "cabin", "embarked", "home.dest"),
)


def make_settings(folder: Path, data_dir: Path | None = None) -> Settings:
    """Settings whose cache is below `folder`, whatever the environment says."""
    flags = {"cache_dir": str(folder / "cache"), "home": str(folder / "home")}
    return Settings.load({**flags, "data_dir": str(data_dir) if data_dir else None}, {})


def real_data_dir(dataset: str) -> Path | None:
    """The folder of the real dataset, if HPSTUDY_DATA_DIR has it."""
    folder = os.environ.get("HPSTUDY_DATA_DIR")
    if not folder or dataset not in _REAL_FILES or not (Path(folder) / _REAL_FILES[dataset]).exists():
        return None
    return Path(folder).absolute()


def real_or_generated(dataset: str, folder: Path) -> Path:
    """A data folder with the dataset: the real one where it is at hand, else a small one below `folder`."""
    return real_data_dir(dataset) or generated(dataset, folder / "generated")


def generated(dataset: str, folder: Path) -> Path:
    """A data folder with a small dataset in the format of the real one."""
    folder.mkdir(parents=True, exist_ok=True)
    match dataset:
        case "fashion_mnist":
            write_idx_dataset(folder / "fashion-mnist")
        case "mnist":
            write_npz_images(folder / "mnist.npz")
        case "imdb":
            write_imdb(folder / "imdb.npz")
        case "titanic":
            write_kaggle_titanic(folder / "titanic.csv")
    return folder


def random_images(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (rows, 28, 28) and uint8 (rows,) with the ten classes in turn."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (rows, 28, 28), np.uint8), np.arange(rows, dtype=np.uint8) % 10


def idx_bytes(array: np.ndarray) -> bytes:
    """An array of unsigned bytes as an idx file, unpacked."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx_dataset(folder: Path, train_rows: int = 200, test_rows: int = 40) -> Path:
    """The four packed files of Fashion-MNIST or MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = (*random_images(train_rows, seed=1), *random_images(test_rows, seed=2))
    for name, array in zip(IDX_FILES, parts, strict=True):
        (folder / name).write_bytes(gzip.compress(idx_bytes(array)))
    return folder


def write_npz_images(path: Path, train_rows: int = 200, test_rows: int = 40, **replace: Any) -> Path:
    """Keras's mnist.npz; `replace` puts other members in."""
    (x_train, y_train), (x_test, y_test) = random_images(train_rows, 1), random_images(test_rows, 2)
    members = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    np.savez_compressed(path, **{**members, **replace})
    return path


def ragged(lists: Sequence[Any]) -> np.ndarray:
    """An object array with one list a row, as in imdb.npz."""
    array = np.empty(len(lists), dtype=object)
    array[:] = lists
    return array


def random_reviews(count: int, seed: int) -> np.ndarray:
    """Reviews of 1 to 40 words out of 3,000, frequent words more often."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 41, count)
    return ragged([[int(word) for word in rng.zipf(1.3, length) % 3000 + 1] for length in lengths])


def write_imdb(path: Path, train_rows: int = 120, test_rows: int = 40, **replace: Any) -> Path:
    """Keras's imdb.npz; `replace` puts other members in."""
    members = {
        "x_train": random_reviews(train_rows, 1),
        "y_train": np.arange(train_rows) % 2,
        "x_test": random_reviews(test_rows, 2),
        "y_test": np.arange(test_rows) % 2,
    }
    np.savez_compressed(path, **{**members, **replace})
    return path


@dataclass(frozen=True, kw_only=True)
class Passenger:
    """One passenger, with texts as in the files; "" is missing."""

    survived: str
    pclass: str
    sex: str
    age: str
    sibsp: str = "0"
    parch: str = "0"
    fare: str = "7.25"
    embarked: str = "S"
    name: str = 'O\'Brien, Mr. "Tom"'


def random_passengers(count: int = 150) -> list[Passenger]:
    """Passengers who all differ in their fare, a few without age or port."""
    rng = np.random.default_rng(3)
    return [
        Passenger(
            survived=str(int(rng.random() < 0.4)),
            pclass=str(rng.integers(1, 4)),
            sex=("male", "female")[rng.integers(2)],
            age="" if number % 7 == 0 else f"{rng.integers(1, 80)}",
            sibsp=str(rng.integers(0, 4)),
            parch=str(rng.integers(0, 3)),
            fare=f"{number}.25",
            embarked="" if number == 5 else "CQS"[rng.integers(3)],
        )
        for number in range(count)
    ]


def kaggle_csv(passengers: Sequence[Passenger]) -> str:
    """The passengers as Kaggle's train.csv."""
    rows = [
        (i, p.survived, p.pclass, p.name, p.sex, p.age, p.sibsp, p.parch, "A/5 21171", p.fare, "", p.embarked)
        for i, p in enumerate(passengers, start=1)
    ]
    return _csv(_KAGGLE_COLUMNS, rows)


def bokeh_csv(passengers: Sequence[Passenger]) -> str:
    """The passengers as bokeh_sampledata's titanic_all.csv."""
    classes = {"1": "1st", "2": "2nd", "3": "3rd", "": "*"}
    rows = [(p.name, classes[p.pclass], p.age, p.sex, p.survived) for p in passengers]
    return _csv(["name", "class", "age", "sex", "survived"], rows)


def openml_arff(passengers: Sequence[Passenger], quote: str = '"') -> str:
    """The passengers as OpenML's titanic.arff. Weka allows both quotes."""
    head = ["% a comment", "@relation 'd'", *(f"@attribute '{name}' string" for name in _OPENML_COLUMNS), "", "@data"]

    def quoted(text: str) -> str:
        escaped = text.replace(quote, "\\" + quote)
        return f"{quote}{escaped}{quote}" if text else "?"

    def row(p: Passenger) -> str:
        first = (p.pclass, p.survived, quoted(p.name), quoted(p.sex), p.age or "?", p.sibsp, p.parch, "?")
        return ",".join([*first, p.fare, "?", quoted(p.embarked), quoted("St Louis, MO")])

    return "\n".join([*head, *map(row, passengers)]) + "\n"


def write_kaggle_titanic(path: Path, count: int = 150) -> Path:
    """A titanic.csv with Kaggle's columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(kaggle_csv(random_passengers(count)))
    return path


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([header, *rows])
    return stream.getvalue()


@dataclass
class Upstream:
    """A web server's files and what is wrong with it. Change it while the server runs."""

    files: dict[str, bytes]
    ranges: bool = True  # answers Range requests with a part
    edition: str = '"1"'  # the ETag; "" sends none
    cuts: list[int] = field(default_factory=list)  # the next responses end after so many bytes
    delay_s: float = 0.0  # before a response
    stalls: bool = False  # responses fall silent half-way
    requests: list[tuple[str, str]] = field(default_factory=list)  # path and Range header, as they came
    base: str = ""  # the address that the server is reached at
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serve(files: Mapping[str, bytes], **faults: Any) -> Iterator[Upstream]:
    """A real web server on 127.0.0.1 for the length of a `with`."""
    upstream = Upstream(files=dict(files), **faults)

    class Handler(_Handler):
        pass

    Handler.upstream = upstream
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        upstream.base = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield upstream
        finally:
            upstream.closing.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    upstream: Upstream

    def do_GET(self) -> None:
        up, wanted = self.upstream, self.headers.get("Range") or ""
        up.requests.append((self.path, wanted))
        up.closing.wait(up.delay_s)
        whole = up.files.get(self.path.lstrip("/"))
        if whole is None:
            self.send_error(404)
            return
        start = self._start(wanted)
        if start >= len(whole) and start:
            self.send_error(416)
            return
        self._head(start, len(whole))
        self._body(whole[start:])

    def _start(self, wanted: str) -> int:
        changed = self.headers.get("If-Range", self.upstream.edition) != self.upstream.edition
        if not (wanted and self.upstream.ranges) or changed:
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def _head(self, start: int, size: int) -> None:
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(size - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if self.upstream.edition:
            self.send_header("ETag", self.upstream.edition)
        self.end_headers()

    def _body(self, body: bytes) -> None:
        if self.upstream.stalls:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.upstream.closing.wait(20)
        else:
            self.wfile.write(body[: self.upstream.cuts.pop(0)] if self.upstream.cuts else body)

    def log_message(self, *_: Any) -> None:
        """Keep the test output clean."""
