"""`init`: what it writes into a repository works there, and nothing is overwritten."""

from __future__ import annotations

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


@pytest.mark.parametrize("path", [path for path in WRITTEN if path != "tox.ini"])
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


def test_a_tox_ini_of_ones_own_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What to add to it is printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tox.ini").write_text("[tox]\n", encoding="utf-8")
    assert cli.main(["init", "acme"]) == 0
    assert (tmp_path / "tox.ini").read_text(encoding="utf-8") == "[tox]\n"
    assert "[testenv:conformance]" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["a b"], ["../up"], ["acme", "--engine", "os;system"]])
def test_a_name_that_cannot_be_used(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name or a module that is none is a mistake of the command, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", *words]) == 2
    assert not _files(tmp_path)


def test_no_placeholder_is_left(tmp_path: Path) -> None:
    """Every template is filled in."""
    assert all("$" not in text for text in planned(tmp_path, "acme", "acme").values())
