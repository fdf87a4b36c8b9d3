"""Download one file over HTTP: with a checksum, a timeout, resumption and an atomic rename."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

from hpstudy.data.integrity import Checksum, UnavailableError

Progress = Callable[[str, int, int | None], None]  # file name, bytes so far, total bytes if known

_CHUNK_BYTES = 1 << 18
_ATTEMPTS = 5  # connections for one file, as long as each transfers something


class _Headers(Protocol):
    """The part of a response's headers that is used here."""

    def get(self, name: str) -> str | None: ...


class _Response(Protocol):
    status: int
    headers: _Headers

    def read(self, amount: int) -> bytes: ...


class _BrokenOffError(Exception):
    """A connection ended or stalled before the whole file had arrived."""


class _WrongRangeError(Exception):
    """The server sent other bytes than the missing ones."""


def download(
    address: str,
    target: Path,
    checksum: Checksum,
    *,
    progress: Progress | None = None,
    timeout_s: float = 10.0,
) -> None:
    """Download `address` to the file `target`, which appears whole and verified, or not at all.

    What has arrived so far is kept beside it as `.part`, and a later call resumes there. Two processes must not
    download to the same target at once: hold a lock.

    Args:
        timeout_s: For connecting, and for the longest silence of the server after that.

    Raises:
        UnavailableError: no connection, an HTTP error, a stalled or broken connection, a wrong checksum.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    resumed = _size(part) > 0
    problem = _complete(address, part, checksum, progress, timeout_s)
    if problem and resumed:
        # The first bytes may come from an older edition of the file: start over.
        _forget(part)
        problem = _complete(address, part, checksum, progress, timeout_s)
    if problem:
        _forget(part)
        raise UnavailableError(f"{address}: the download {problem}; it was discarded")
    part.replace(target)
    _forget(part)


def _complete(address: str, part: Path, checksum: Checksum, progress: Progress | None, timeout_s: float) -> str | None:
    """Complete `part`, over several connections if they break. Returns what is wrong with it, or None."""
    for attempt in range(1, _ATTEMPTS + 1):
        before = _size(part)
        try:
            with _ask(address, part, timeout_s) as response:
                _receive(cast(_Response, response), part, progress)
            return checksum.problem(part)
        except _WrongRangeError:
            if before and checksum.problem(part) is None:  # everything had arrived, only the rename was missing
                return None
            _forget(part)
        except _BrokenOffError as error:
            if attempt == _ATTEMPTS or _size(part) <= before:
                raise UnavailableError(f"{address}: {error}; the next attempt resumes there") from None
    return "does not fit together"


def _ask(address: str, part: Path, timeout_s: float) -> http.client.HTTPResponse:
    """Request what `part` lacks."""
    request = urllib.request.Request(address, headers={"User-Agent": "hpstudy", "Accept-Encoding": "identity"})
    if size := _size(part):
        request.add_header("Range", f"bytes={size}-")
        if edition := _edition_file(part).read_text() if _edition_file(part).exists() else "":
            request.add_header("If-Range", edition)  # if the file has changed, the server sends all of it
    try:
        return cast(http.client.HTTPResponse, urllib.request.urlopen(request, timeout=timeout_s))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and size:
            raise _WrongRangeError from None
        raise UnavailableError(f"{address}: HTTP {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"{address}: {_reason(error)}") from None


def _receive(response: _Response, part: Path, progress: Progress | None) -> None:
    """Append what the server sends to `part`, or start over if the server sends the whole file."""
    start, total = _extent(response, _size(part))
    _edition_file(part).write_text(_edition(response.headers))
    done = start
    with part.open("r+b" if start else "wb") as stream:
        stream.seek(start)
        for chunk in _chunks(response):
            stream.write(chunk)
            done += len(chunk)
            if progress:
                progress(part.name.removesuffix(".part"), done, total)
    if total is not None and done < total:
        raise _BrokenOffError(f"the connection ended after {done:,} of {total:,} bytes")


def _chunks(response: _Response) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read(_CHUNK_BYTES)
        except TimeoutError:
            raise _BrokenOffError("the server fell silent") from None
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenOffError(f"the connection broke ({_reason(error)})") from None
        if not chunk:
            return
        yield chunk


def _extent(response: _Response, have: int) -> tuple[int, int | None]:
    """The position of the first byte that the server sends, and the size of the whole file if it is known."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        length = response.headers.get("Content-Length")
        return 0, int(length) if length and length.isdigit() else None
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range") or "")
    if not span or int(span[1]) != have:
        raise _WrongRangeError
    return have, None if span[2] == "*" else int(span[2])


def _edition(headers: _Headers) -> str:
    """What identifies this edition of the file for If-Range: a strong ETag, or the time of its last change."""
    tag = headers.get("ETag") or ""
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified") or ""


def _edition_file(part: Path) -> Path:
    return part.with_name(part.name + ".edition")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _forget(part: Path) -> None:
    for path in (part, _edition_file(part)):
        with suppress(FileNotFoundError):
            path.unlink()


def _reason(error: Exception) -> str:
    """The cause in words: urllib wraps the actual error in another one."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    text = getattr(cause, "strerror", None) or str(cause)
    return str(text or type(cause).__name__)
