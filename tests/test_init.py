"""`init`: what it writes into a repository works there, and nothing is overwritten."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

from conformance import cli
from conformance.adapter import load
from conformance.starting import planned
from tests.fakes.command import ROOT, Terminal
from tests.test_doctor import example

WRITTEN = (
    ".github/workflows/conformance.yml",
    ".gitignore",
    "conformance_adapter.py",
    "tests/expectations/acme.toml",
    "tests/test_conformance.py",
    "tox.ini",
)


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _pytest(folder: Path) -> subprocess.CompletedProcess[str]:
    """What a user runs next, in an environment where the suite is installed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_conformance.py"]
    environment = Terminal(folder).environment()
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=600)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny engine and its adapter, as `try` calls it."""
    shutil.copy(ROOT / "tests" / "fakes" / "plain.py", tmp_path)
    (tmp_path / "plain_adapter.py").write_text(example(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_it_wrote_is_green_and_red(repository: Path) -> None:
    """The test that was written passes for an engine that conforms, and fails with a script for one that does not."""
    assert cli.main(["init", "plain"]) == 0
    written = repository / "tests" / "test_conformance.py"
    some = written.read_text(encoding="utf-8").replace(
        '"run", ', '"run", "--select", "operators/value_and_gradient*", '
    )
    written.write_text(some, encoding="utf-8")  # the whole specification takes a minute
    green = _pytest(repository)
    assert green.returncode == 0, green.stdout
    engine = repository / "plain.py"
    engine.write_text(
        engine.read_text(encoding="utf-8").replace("lambda g: g * other.data", "lambda g: g"), encoding="utf-8"
    )
    red = _pytest(repository)
    assert red.returncode == 1
    assert "exit code 1" in red.stdout
    assert "FAIL  operators/value_and_gradient" in red.stdout
    assert "plain 1.0, mul, float64" in red.stdout


def test_it_uses_the_adapter_that_try_wrote(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With an adapter of that name there, no skeleton is written, and the test and the workflow name it."""
    assert cli.main(["init", "plain"]) == 0
    assert not (repository / "conformance_adapter.py").exists()
    for path in ("tests/test_conformance.py", ".github/workflows/conformance.yml"):
        assert "plain_adapter.py" in (repository / path).read_text(encoding="utf-8")
    assert "wrote tests/test_conformance.py" in capsys.readouterr().out


def test_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is written, and each file is one of its kind: an adapter that loads, TOML, an ini file."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "acme", "--engine", "acme.core"]) == 0
    assert _files(tmp_path) == set(WRITTEN)
    assert load("conformance_adapter.py").module == "acme.core"
    assert tomllib.loads((tmp_path / "tests" / "expectations" / "acme.toml").read_text(encoding="utf-8")) == {}
    tox = ConfigParser()
    tox.read(tmp_path / "tox.ini")
    assert tox.sections() == ["tox", "testenv:conformance"]
    assert "try acme.core:Tensor" in capsys.readouterr().out


SHARED = {"tox.ini": "[testenv:conformance]", ".gitignore": "/out/"}


@pytest.mark.parametrize("path", [path for path in WRITTEN if path not in SHARED])
def test_nothing_is_overwritten(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When one of the files exists, none is written, and it is named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("mine\n", encoding="utf-8")
    assert cli.main(["init", "acme"]) == 2
    assert _files(tmp_path) == {path}
    assert (tmp_path / path).read_text(encoding="utf-8") == "mine\n"
    assert path in capsys.readouterr().err


@pytest.mark.parametrize("path", SHARED)
def test_what_a_repository_has_is_left_alone(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What to add to it is printed, unless it is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / path).write_text("[tox]\n", encoding="utf-8")
    assert cli.main(["init", "acme"]) == 0
    assert (tmp_path / path).read_text(encoding="utf-8") == "[tox]\n"
    said = capsys.readouterr().out
    assert f"{path} exists; add to it:\n\n{SHARED[path]}" in said
    assert said.count("exists") == 1


def test_what_is_there_already_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitignore").write_text("*.pyc\n/out/\n", encoding="utf-8")
    assert cli.main(["init", "acme"]) == 0
    assert "exists" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["a b"], ["../up"], ["acme", "--engine", "os;system"]])
def test_a_name_that_cannot_be_used(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name or a module that is none is a mistake of the command, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", *words]) == 2
    assert not _files(tmp_path)


def test_every_template_is_filled_in(tmp_path: Path) -> None:
    """What begins with a dollar is a variable of the shell, in the workflow."""
    found = {name for text in planned(tmp_path, "acme", "acme").values() for name in re.findall(r"\$+\W?\w+", text)}
    assert found == {"${AUTOGRAD_CONFORMANCE", "$GITHUB_STEP_SUMMARY"}


# --- where pip finds the suite


def _installs(folder: Path) -> list[str]:
    """The commands that install something in the workflow of `init` and in that of docs/ci.md."""
    texts = (planned(folder, "acme", "acme")[Path(WRITTEN[0])], (ROOT / "docs" / "ci.md").read_text(encoding="utf-8"))
    found = [re.findall(r"- run: (pip install .*)", text) for text in texts]
    assert [len(commands) for commands in found] == [1, 2]
    return [command for commands in found for command in commands]


@pytest.mark.parametrize("source", ["", "git+https://example.org/suite", "../a folder"])
def test_the_workflows_ask_where_the_suite_is(source: str, tmp_path: Path) -> None:
    """Pip gets what the variable says; while it is empty, pip is not called at all, and the step says what is missing."""
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n', encoding="utf-8")
    pip.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "AUTOGRAD_CONFORMANCE": source}
    for command in _installs(tmp_path):
        done = subprocess.run(["sh", "-e", "-c", command], env=environment, capture_output=True, text=True, check=False)
        if source:
            assert done.stdout.startswith(f"<install><{source}>"), done.stderr
        else:
            assert done.returncode != 0
            assert not done.stdout
            assert "AUTOGRAD_CONFORMANCE: says in the workflow where pip finds autograd-conformance" in done.stderr


def test_the_test_says_what_is_not_installed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tox was not told where the suite is, the test that was written says what to do."""
    assert cli.main(["init", "plain"]) == 0
    written = runpy.run_path(str(repository / "tests" / "test_conformance.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        AssertionError, match=r"not installed here, and is on no package index\.\nInstall it from a checkout"
    ):
        written["test_conformance"](repository)


def test_tox_takes_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it names is what tox installs beside pytest."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "acme"]) == 0
    tox = ConfigParser()
    tox.read(tmp_path / "tox.ini")
    assert tox["testenv:conformance"]["deps"].split() == ["{env:AUTOGRAD_CONFORMANCE:}", "pytest"]


def test_the_workflow_leaves_something_to_read(tmp_path: Path) -> None:
    """Annotations, a summary and a badge, of a run that knows the expectations; the sharded one in docs/ci.md, too."""
    workflow = planned(tmp_path, "acme", "acme")[Path(WRITTEN[0])]
    documented = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    for text in (workflow, documented):
        for option in (
            "--expectations tests/expectations",
            "--annotations",
            '--markdown "$GITHUB_STEP_SUMMARY"',
            "--badge",
        ):
            assert option in text
