"""The committed expectations: every reason can be seen without our code."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.adapter import builtin
from conformance.adapter import load as adapter
from conformance.clause import specification
from conformance.divergences import divergences, faults
from conformance.errors import UsageError
from conformance.expectations import BUILTIN, KINDS, load
from tests.interpreters import runner

FILES: Final = sorted(BUILTIN.glob("*.toml"))


def _causes() -> list[Any]:
    read = [(path.stem, tomllib.loads(path.read_text(encoding="utf-8"))["cause"]) for path in FILES]
    return [pytest.param(name, cause, id=f"{name}: {cause['reason']}") for name, causes in read for cause in causes]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_reads_and_names_known_cases(path: Path) -> None:
    """A file is an engine's, and each of its cases is one of the specification with a witness that decides it."""
    assert path.stem in builtin()
    cases = {case.id for clause in specification().values() for case in clause.cases()}
    expected = load(path.stem)
    assert set(expected) <= cases
    assert all(expectation.witness for expectation in expected.values())


@pytest.mark.parametrize(("engine", "cause"), _causes())
def test_a_cause_says_once_what_it_explains(engine: str, cause: dict[str, Any]) -> None:
    """A cause has a sentence, a kind and cases; its script, of at most 8 lines, is the engine's alone and ends by printing."""
    assert cause["reason"].endswith(".")
    assert cause["kind"] in KINDS
    assert cause["case"]
    lines = cause.get("script", "print()").strip().splitlines()
    assert len(lines) <= 8
    assert lines[-1].strip().startswith(("print(", "console.log("))
    assert not any(word in line for line in lines for word in ("conformance", "implementations"))


@pytest.mark.parametrize(("engine", "cause"), _causes())
def test_a_script_shows_what_the_cause_says(engine: str, cause: dict[str, Any], tmp_path: Path) -> None:
    """Run with the engine alone, the script's last line is the committed one."""
    if "script" not in cause:
        pytest.skip("this cause rests on a link")
    command, folder = runner(engine, tmp_path)
    done = subprocess.run(
        [*command, cause["script"]], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == cause["prints"]


SOUND: Final = """
[[cause]]
reason = "It is wrong."
script = "print(2.0)"
prints = "2.0"

[[cause.case]]
id = "accumulation/each_backward_adds[float64]"
verdict = "declined"
"""
# What is wrong with a file, as a replacement in a sound one, and a word of what is said of it.
UNSOUND: Final = {
    "a script and nothing printed": ('prints = "2.0"', "", "a script needs prints"),
    "what no script prints": ('script = "print(2.0)"', 'link = "https://example.com"', "prints needs a script"),
    "nothing that shows it": ('script = "print(2.0)"', "", "a link or a script"),
    "no such kind": ("[[cause.case]]", 'kind = "habit"\n[[cause.case]]', "'habit' is no kind"),
    "an error": ('"declined"', '"error"', "one of fail"),
    "no witness": ('"declined"', '"fail"', "a witness is needed"),
}


def test_a_sound_file_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(SOUND)
    assert load("acme", tmp_path).keys() == {"accumulation/each_backward_adds[float64]"}


@pytest.mark.parametrize("what", UNSOUND)
def test_an_unsound_file_is_refused(what: str, tmp_path: Path) -> None:
    """Before anything is run, with a word on what is missing."""
    sound, unsound, sentence = UNSOUND[what]
    assert sound in SOUND
    (tmp_path / "acme.toml").write_text(SOUND.replace(sound, unsound))
    with pytest.raises(UsageError, match=sentence):
        load("acme", tmp_path)


def test_the_pages_are_what_is_known() -> None:
    """docs/faults.md, docs/divergences.md and the figure in the README are those of the files."""
    root = BUILTIN.parent.parent
    assert (root / "docs" / "faults.md").read_text(encoding="utf-8") == faults() + "\n"
    assert (root / "docs" / "divergences.md").read_text(encoding="utf-8") == divergences() + "\n"
    told = [
        (adapter(name).module, it["reason"])
        for name, it in (cause.values for cause in _causes())
        if it["kind"] == "fault"
    ]
    count = len(set(told))  # JAX, with jit and without, has one fault in both
    assert len(told) == count + 1
    assert f"**{count} confirmed faults**" in (root / "README.md").read_text(encoding="utf-8")
