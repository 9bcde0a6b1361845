"""Asking again what failed, and ending with the first failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cli import main
from conformance.journal import read_journal

BROKEN = "reference,mutant=accumulate_overwrites"
CASES = ["--select", "accumulation/*", "--select", "detach/*", "--jobs", "1"]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with failures in one engine of two."""
    folder = tmp_path_factory.mktemp("run")
    assert main(["run", "--engine", BROKEN, "--engine", "kernels", *CASES, "--out", str(folder)]) == 1
    return folder


def test_only_what_failed_is_asked_again(failed: Path) -> None:
    """Of the engine that failed, and of no other; the first journal stays as it was."""
    before = (failed / "reference.jsonl").read_bytes()
    assert main(["run", "--failed", "--jobs", "1", "--out", str(failed)]) == 1
    assert (failed / "reference.jsonl").read_bytes() == before
    assert not (failed / "failed" / "kernels.jsonl").exists()
    again, first = read_journal(failed / "failed" / "reference.jsonl"), read_journal(failed / "reference.jsonl")
    wrong = {record["case"] for record in first.cases if record["verdict"] not in ("pass", "declined")}
    assert {record["case"] for record in again.cases} == wrong
    assert all(record["verdict"] == "fail" for record in again.cases)
    assert again.header["specified"] > again.header["selected"]  # it cannot pass for a whole run


REFUSED = {
    "no earlier run": (["--out", "{empty}"], 2, "there is none in"),
    "nothing failed": (["--engine", "kernels", "--out", "{failed}"], 5, "nothing failed"),
    "another engine": (["--engine", "torch", "--out", "{failed}"], 2, "has no journal of torch"),
    "a selection beside it": (["--select", "hooks/*", "--out", "{failed}"], 2, "leave --select and --shard out"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_asked_again(
    what: str, failed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, code, sentence = REFUSED[what]
    filled = [option.format(empty=tmp_path, failed=failed) for option in options]
    assert main(["run", "--failed", *filled]) == code
    assert sentence in capsys.readouterr().err


def test_the_first_failure_ends_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 1; the gate still sees that the journal is incomplete."""
    run = ["run", "--engine", BROKEN, *CASES, "--fail-fast", "--out", str(tmp_path)]
    assert main(run) == 1
    assert "--fail-fast" in capsys.readouterr().err
    found = read_journal(tmp_path / "reference.jsonl")
    assert found.cases[-1]["verdict"] == "fail"
    assert sum(record["verdict"] == "fail" for record in found.cases) == 1
    assert not found.complete
    assert main(["gate", str(tmp_path / "reference.jsonl")]) == 6


def test_a_run_without_failure_is_not_cut(tmp_path: Path) -> None:
    assert main(["run", "--engine", "reference", *CASES, "--fail-fast", "--out", str(tmp_path)]) == 0
    assert read_journal(tmp_path / "reference.jsonl").complete
