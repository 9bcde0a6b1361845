"""Ways in which a run could look green without having judged: each must end otherwise."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from conformance import execution
from conformance.adapter import load
from conformance.errors import EngineError
from conformance.journal import read_journal

ROOT: Final = Path(__file__).resolve().parent.parent
WITNESS: Final = json.dumps({"schema": 1, "dtype": "float64", "instructions": []})
CASE: Final = "zeroing/zero_clears[float64]"


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command line in a folder of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "conformance", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def patch(folder: Path, text: str) -> str:
    """An engine spec: the reference engine with `text` at the end of its prelude."""
    (folder / "patch.py").write_text(text, encoding="utf-8")
    return "reference,patch=patch.py"


BROKEN: Final = "from implementations.reference import core\ncore.Tensor.zero_ = lambda self: self\n"


@pytest.mark.parametrize("options", ["-k nothing", "--collect-only", "-k zero_clears", "--no-such-option"])
def test_options_of_the_users_pytest_do_not_reach_ours(options: str, tmp_path: Path) -> None:
    """Whatever PYTEST_ADDOPTS says, every selected case is judged."""
    done = run(tmp_path, "run", "--engine", "reference", "--select", "zeroing/*", PYTEST_ADDOPTS=options)
    journal = read_journal(tmp_path / "out" / "reference.jsonl")
    assert done.returncode == 0, done.stderr
    assert journal.complete
    assert len(journal.cases) == journal.header["selected"] >= 4


@pytest.mark.parametrize("command", ["run", "gate"])
def test_a_reader_who_has_gone_changes_nothing(command: str, tmp_path: Path) -> None:
    """With standard output closed at the other end the exit code is the same, and the files are written."""
    arguments = ["run", "--engine", patch(tmp_path, BROKEN), "--select", "zeroing/*"]
    if command == "gate":
        assert run(tmp_path, *arguments).returncode == 1
        arguments = ["gate", "out/reference.jsonl"]
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "report.html").is_file()
    assert (tmp_path / "out" / "junit.xml").is_file()


def expectation(**changes: Any) -> str:
    """A file of one expectation, with some of its fields changed."""
    case = {"id": CASE, "verdict": "fail", "witness": WITNESS} | changes
    rows = "\n".join(f"{key} = {json.dumps(value)}" for key, value in case.items() if value is not None)
    return f'[[cause]]\nreason = "R."\nlink = "https://example.org"\n[[cause.case]]\n{rows}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (expectation(id="detachx/y[float64]"), "no case of the specification"),
        (expectation() + expectation(), "2 expectations of"),
        (expectation(verdict="faill"), "one of fail, crash"),
        (expectation(verdict="error"), "one of fail, crash"),
        (expectation(verdict="pass"), "one of fail, crash"),
        (expectation(witness=None), "a witness is needed"),
        (expectation(witness="{}"), "this is not a program"),
        ("[[cause", "cannot be read"),
    ],
)
def test_a_mistake_in_expectations_is_the_users(text: str, said: str, tmp_path: Path) -> None:
    """An expectation that is stale, doubled, misspelt, or without its witness is one sentence, before anything runs: 2."""
    (tmp_path / "reference.toml").write_text(text, encoding="utf-8")
    done = run(tmp_path, "run", "--engine", "reference", "--select", "zeroing/*", "--expectations", ".")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_of_expectations_that_is_missing_is_said(tmp_path: Path) -> None:
    """`--expectations` of a folder that does not exist is a mistake, not an empty set."""
    done = run(tmp_path, "run", "--engine", "reference", "--select", "zeroing/*", "--expectations", "nope")
    assert done.returncode == 2
    assert "nope" in done.stderr


def test_an_engine_that_does_not_load_leaves_no_old_journal(tmp_path: Path) -> None:
    """Yesterday's journal of an engine that does not load today is gone, so that no gate decides by it."""
    assert run(tmp_path, "run", "--engine", "reference", "--select", "zeroing/*").returncode == 0
    assert (
        run(tmp_path, "run", "--engine", patch(tmp_path, "raise ImportError"), "--select", "zeroing/*").returncode == 4
    )
    assert not (tmp_path / "out" / "reference.jsonl").exists()


@pytest.mark.skipif(not shutil.which("unshare") or os.geteuid() != 0, reason="a PID namespace needs unshare and root")
def test_the_harness_may_be_the_first_process(tmp_path: Path) -> None:
    """Where the harness is process 1, as in a container, its children do not take themselves for orphans."""
    inside = [sys.executable, "-m", "conformance", "run", "--engine", "reference", "--select", "zeroing/*"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = ["unshare", "--pid", "--fork", "--mount-proc", *inside]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    if "unshare failed" in done.stderr:
        pytest.skip(f"this machine allows no PID namespace: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr


def test_an_agent_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that never reads its input ends in a sentence after the deadline, however much it was sent."""
    monkeypatch.setattr(execution, "LOAD_SECONDS", 1.0)
    adapter = replace(load("reference"), command=("sleep", "60"), prelude="#" * 300_000)
    started = time.monotonic()
    with pytest.raises(EngineError, match="did not read what it was sent"):
        execution.Engine(adapter)
    assert time.monotonic() - started < 20


def test_replay_takes_a_case_of_a_journal(tmp_path: Path) -> None:
    """`replay JOURNAL --case ID` runs the witness of that case; an id without one is a sentence."""
    spec = patch(tmp_path, BROKEN)
    assert run(tmp_path, "run", "--engine", spec, "--select", "zeroing/*").returncode == 1
    journal = ("replay", "out/reference.jsonl", "--case")
    assert run(tmp_path, *journal, CASE, "--engine", spec).returncode == 1
    assert run(tmp_path, *journal, CASE, "--engine", "reference").returncode == 0
    unknown = run(tmp_path, *journal, "a/b[c]", "--engine", "reference")
    assert unknown.returncode == 2
    assert "has no witness of a/b[c]" in unknown.stderr
