"""The README's commands work, on a clean copy of the tree and in a new virtual environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Every engine that the first command finds offers something of these.
CHAPTERS = ("accumulation", "hooks", "second_backward", "zeroing")
# What installing for the README's commands must not be influenced by.
FOREIGN = ("PYTHONPATH", "VIRTUAL_ENV")


def block(name: str) -> str:
    """The README's code block with this name."""
    found = re.search(rf"^```sh {name}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no block {name!r}"
    return found[1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git tracks or would track, as a newcomer gets it, after the README's first command."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def shell(commands: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a block as bash would, stopping at the first failure."""
    environment = {
        name: value for name, value in os.environ.items() if name not in FOREIGN and not name.startswith("PYTEST_")
    }
    environment |= variables
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="module")
def main_job(checkout: Path) -> subprocess.CompletedProcess[str]:
    """The README's first command, run once; for time it asks some chapters alone, since tox asks each engine all."""
    chosen = " ".join(f"--select '{chapter}/*'" for chapter in CHAPTERS)
    return shell(f"{block('run').rstrip()} {chosen}", checkout)


def test_the_first_command_judges_the_engines(main_job: subprocess.CompletedProcess[str], checkout: Path) -> None:
    """One command sets up, judges reference, torch and kernels, prints the matrix, writes everything and exits 0."""
    assert main_job.returncode == 0, main_job.stdout + main_job.stderr
    for engine in ("reference", "torch", "kernels"):
        assert re.search(
            rf"^{engine} [\d.+a-z]+: \d+ passed, 0 failed, \d+ declined of \d+$", main_job.stdout, re.MULTILINE
        )
        assert (checkout / "out" / f"{engine}.jsonl").is_file()
    assert (checkout / "out" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert ET.parse(checkout / "out" / "junit.xml").getroot().tag == "testsuites"


@pytest.mark.usefixtures("main_job")
@pytest.mark.parametrize("command", [*block("more").splitlines(), *block("bench").splitlines()])
def test_the_other_commands_work(command: str, checkout: Path) -> None:
    """Every other command of the README exits 0 and prints something."""
    completed = shell(command, checkout)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert completed.stdout + completed.stderr


@pytest.mark.usefixtures("main_job")
def test_the_test_command_sets_up_and_runs_tests(checkout: Path) -> None:
    """The test command installs what the tests need; here it runs one file of them, since this very test is in another."""
    completed = shell(block("test"), checkout, PYTEST_ADDOPTS="tests/test_gate.py")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert re.search(r"\d+ passed", completed.stdout)


def test_ci_runs_the_test_command() -> None:
    """CI reads the test command from the README, so that the two cannot differ."""
    assert 'eval "$(block test)"' in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_failure_shown_is_what_the_tool_prints(tmp_path: Path) -> None:
    """The README's failure is, to the letter, what the tool prints about MyGrad without its expectations."""
    pytest.importorskip("mygrad", reason="the extra `mygrad` is not installed")
    shown = re.search(r"^```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert shown
    command = [
        sys.executable,
        "-m",
        "conformance",
        "run",
        "--engine",
        "mygrad",
        "--select",
        "second_backward/never*64]",
    ]
    command += ["--expectations", str(tmp_path), "--out", str(tmp_path)]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert completed.returncode == 1
    assert shown[1] in completed.stdout
