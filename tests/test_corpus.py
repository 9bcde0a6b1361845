"""The corpus: every right engine passes it, and what each entry was found on fails it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.adapter import load, resolve
from conformance.catalogue import catalogue
from conformance.corpus import FOLDER, KINDS, CorpusEntry, as_text, corpus
from conformance.errors import ConformanceError
from conformance.execution import Engine
from conformance.generation.attribution import clause_of
from implementations.mutants import FAULTS
from tests.example_writer import finding

ENTRIES: Final = corpus()
WITNESSES: Final = {name for line in catalogue().values() for name in line.witnesses}
GOOD: Final = json.loads(as_text(ENTRIES[0]))


@pytest.mark.parametrize("name", ["reference", "kernels", "torch"])
def test_a_right_engine_passes(name: str) -> None:
    """No entry shows anything on an engine that is right, and none is declined."""
    adapter = load(name)
    if not adapter.installed():
        pytest.skip(f"{name} is not installed")
    with Engine(adapter) as engine:
        for entry in ENTRIES:
            reply = engine.run(entry.program)
            assert isinstance(reply, dict), entry.name
            assert reply["declined"] == [], entry.name
            assert finding(entry.program, engine) is None, entry.name


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_its_fault_fails(entry: CorpusEntry) -> None:
    """The engine that an entry was found on fails it, in a few instructions, and the clause can be named."""
    with Engine(resolve(f"{entry.engine},mutant={entry.fault}")) as engine:
        found = finding(entry.program, engine)
    assert found is not None
    assert found.verdict == "fail"
    assert len(entry.program) <= 6
    assert clause_of(entry.program, found) is not None


def failing(fault: str) -> dict[str, str]:
    """The entries that an engine with a fault does not pass, with the verdicts."""
    with Engine(resolve(f"{FAULTS[fault].of},mutant={fault}")) as engine:
        found = {entry.name: finding(entry.program, engine) for entry in ENTRIES}
    return {name: it.verdict for name, it in found.items() if it}


@pytest.mark.parametrize("entry", [it for it in ENTRIES if it.name in WITNESSES], ids=lambda entry: entry.name)
def test_the_fault_of_a_witness_fails_nothing_else(entry: CorpusEntry) -> None:
    """What a line of the catalogue names as its witness is all of the corpus that its fault fails."""
    assert failing(entry.fault) == {entry.name: "fail"}


# Witnesses that several faults show in, each with another one than it was made for.
OTHERWISE: Final = {
    "adding_to_a_gradient_is_a_write": "accumulation_replaces_the_tensor",
    "clearing_a_gradient_is_a_write": "zeroing_replaces_the_gradient",
    "an_unused_input_is_given_nothing": "unused_input_gives_ones",
    "of_two_reasons_to_refuse_any_is_named": "backward_of_a_constant_is_silent",
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_witness_shows_other_faults_too(name: str) -> None:
    """A witness fails another fault that breaks its rule in another way."""
    assert failing(OTHERWISE[name])[name] == "fail"


def test_the_entries_differ() -> None:
    """There are entries of both kinds, each of another fault, with a sentence; the files are written as we write them."""
    assert {entry.kind for entry in ENTRIES} == set(KINDS)
    assert len({entry.fault for entry in ENTRIES}) == len(ENTRIES) >= 10
    assert all(entry.fault in FAULTS for entry in ENTRIES)
    for entry in ENTRIES:
        assert entry.about.endswith(".")
        assert (FOLDER / f"{entry.name}.json").read_text(encoding="utf-8") == as_text(entry)


WRONG: Final[dict[str, Any]] = {
    "no JSON": "{",
    "a list": [],
    "without a field": {key: value for key, value in GOOD.items() if key != "about"},
    "an empty field": {**GOOD, "about": ""},
    "another kind": {**GOOD, "kind": "odd"},
    "another verdict": {**GOOD, "verdict": "fail"},
    "no program": {**GOOD, "witness": {"schema": 1}},
    "another schema": {**GOOD, "witness": {**GOOD["witness"], "schema": 2}},
    "nothing expected": {
        **GOOD,
        "witness": {
            **GOOD["witness"],
            "instructions": [it for it in GOOD["witness"]["instructions"] if it["verb"] != "expect"],
        },
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_no_entry(name: str, tmp_path: Path) -> None:
    """A file that is no entry is refused by its name: no entry is lost in silence."""
    text = WRONG[name] if isinstance(WRONG[name], str) else json.dumps(WRONG[name])
    (tmp_path / "odd.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConformanceError, match=r"odd\.json is no entry of the corpus"):
        corpus(tmp_path)


def test_an_entry_survives_its_file(tmp_path: Path) -> None:
    """What was written is read."""
    (tmp_path / f"{ENTRIES[0].name}.json").write_text(as_text(ENTRIES[0]), encoding="utf-8")
    assert corpus(tmp_path) == (ENTRIES[0],)
