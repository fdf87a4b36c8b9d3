"""Whether a file is the right one: checksums, and the error for a file that is not."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Literal, cast

from hpstudy.errors import DatasetError, HpstudyError

_CHUNK_BYTES = 1 << 20
ADVICE = (  # how every refusal of a file ends
    "Correct or replace the file, or delete it and run `hpstudy data fetch` to get another copy."
)


class UnavailableError(HpstudyError):
    """One way of getting a dataset did not work. The next one is tried."""


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """The digest that a file from the network must have."""

    algorithm: Literal["md5", "sha256"]  # "md5" if nobody publishes a better one: this guards against accidents
    hexdigest: str
    unpacked: bool = False  # digest of what is inside the .gz: copies of the same file are packed differently

    def of(self, path: Path) -> str:
        """The actual digest of the file `path`, in hexadecimal.

        Raises:
            OSError, EOFError, zlib.error: the file cannot be read or unpacked.
        """
        digest = hashlib.new(self.algorithm, usedforsecurity=False)
        with _open(path, unpack=self.unpacked) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def problem(self, path: Path) -> str | None:
        """What is wrong with the file `path`, as the predicate of a sentence; None if it is the right one."""
        try:
            came = self.of(path)
        except (OSError, EOFError, zlib.error) as error:
            return f"cannot be unpacked ({error})"
        if came == self.hexdigest:
            return None
        return f"has the {self.algorithm} {came} instead of {self.hexdigest}"


def bad_file(path: PurePath, problem: str, expected: str) -> DatasetError:
    """The refusal of one file, by name.

    Args:
        problem: What is wrong, a predicate whose subject is the file.
        expected: What the file should be, a noun phrase.
    """
    return DatasetError(f"{path} {problem}. Expected: {expected}. {ADVICE}")


def _open(path: Path, *, unpack: bool) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if unpack else path.open("rb")
