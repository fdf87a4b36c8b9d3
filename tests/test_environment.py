"""What a process that trains finds set."""

from __future__ import annotations

import pytest

from hpstudy.training.environment import for_tensorflow

WIDE = "--xla_cpu_prefer_vector_width=512"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", WIDE),
        ("--xla_dump_to=/tmp/dump", f"--xla_dump_to=/tmp/dump {WIDE}"),
        ("--xla_cpu_prefer_vector_width=256", "--xla_cpu_prefer_vector_width=256"),
    ],
    ids=["none", "others are kept", "the user's width"],
)
def test_the_compiler_may_use_wide_vectors(monkeypatch: pytest.MonkeyPatch, given: str, found: str) -> None:
    monkeypatch.setenv("XLA_FLAGS", given)
    assert for_tensorflow()["XLA_FLAGS"] == found


def test_no_flag_for_a_version_that_may_not_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setattr("importlib.metadata.version", lambda package: "2.99.0")
    assert for_tensorflow()["XLA_FLAGS"] == ""
