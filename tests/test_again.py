"""Asking again what failed, and ending with the first failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cli import main
from conformance.journal import read_journal
from tests.example_journals import case, journal
from tests.test_merge import written

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


def test_each_engine_is_asked_what_it_failed_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And not what another failed."""
    patch = tmp_path / "wrong.py"
    patch.write_text("from implementations.kernels import Tensor\nTensor.detach = lambda self: self\n")
    engines = ["--engine", BROKEN, "--engine", f"kernels,patch={patch}"]
    assert main(["run", *engines, *CASES, "--out", str(tmp_path)]) == 1
    assert main(["run", "--failed", "--jobs", "1", "--out", str(tmp_path)]) == 1
    asked = {}
    for name in ("reference", "kernels"):
        first, again = read_journal(tmp_path / f"{name}.jsonl"), read_journal(tmp_path / "failed" / f"{name}.jsonl")
        asked[name] = {record["case"] for record in again.cases}
        assert asked[name] == {record["case"] for record in first.cases if record["verdict"] == "fail"}
        assert again.complete
        assert {record["clause"] for record in again.cases} == again.header["clauses"].keys()
    assert not asked["reference"] <= asked["kernels"]
    assert not asked["kernels"] <= asked["reference"]
    assert "reference does not conform: 4 cases against expectation\nkernels does not" in capsys.readouterr().out


def test_what_failed_is_asked_with_its_expectations(failed: Path, tmp_path: Path) -> None:
    """The folder of the first run counts, and the command that repeats a case names it, unless another is given."""
    folder, other = tmp_path / "expectations", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    out = ["--out", str(tmp_path)]
    assert main(["run", "--engine", BROKEN, *CASES, "--expectations", str(folder), *out]) == 1
    for options, named in (([], folder), (["--expectations", str(other)], other)):
        assert main(["run", "--failed", "--jobs", "1", *options, *out]) == 1
        again = read_journal(tmp_path / "failed" / "reference.jsonl")
        assert again.header["expectations"] == str(named)
        assert all(f"--expectations {named} " in record["rerun"] for record in again.cases)
    assert read_journal(failed / "reference.jsonl").header["expectations"] == ""


def test_journals_with_different_expectations_are_asked_one_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found = journal(
            [case("vjp/one", "fail")], name=name, engine={"name": name, "spec": name}, expectations=str(tmp_path / name)
        )
        written(tmp_path / f"{name}.jsonl", found)
    assert main(["run", "--failed", "--out", str(tmp_path)]) == 2
    assert "different profiles, seeds or expectations; name one engine" in capsys.readouterr().err


def test_a_glob_that_matches_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside one that matches the run goes on; alone it ends the run with 5."""
    run = ["run", "--engine", "reference", "--jobs", "1", "--out", str(tmp_path), "--select", "hook/*"]
    assert main([*run, "--select", "zeroing/zero_clears[*"]) == 0
    said = capsys.readouterr()
    assert "autograd-conformance: --select hook/*: no case matches\n" in said.err
    assert "zeroing/zero_clears" not in said.err
    assert said.out.endswith(" cases were selected\nreference conforms\n")
    assert main(run) == 5


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
