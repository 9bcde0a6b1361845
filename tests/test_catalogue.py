"""The catalogue: every behaviour that the documents state is there, and is asked for by clauses that can ask for it.

Each check is a function that names the faults of a catalogue. It finds none in ours, and those of broken ones.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.adapter import Adapter, builtin, load
from conformance.agent.lowering import Lowering, NotOffered
from conformance.catalogue import CHAPTERS, HISTORY, Line, catalogue, check_clauses, line, lines_of, read
from conformance.catalogue.markdown import COMMAND, document
from conformance.clause import Clause, specification
from conformance.corpus import corpus
from conformance.errors import ConformanceError
from implementations.mutants import MUTANTS
from tests.test_specification import recorded

PAGE: Final = Path(__file__).parent.parent / "docs" / "specification.md"
# How many behaviours the five documents state, by chapter.
STATED: Final = {
    "REQ": 18, "GRF": 22, "BWS": 17, "VJP": 13, "ACC": 13, "NLF": 9, "DET": 9, "DAT": 5, "HOK": 9,
    "AGR": 6, "VOL": 6, "NOG": 6, "CTL": 13, "SEC": 5, "HIG": 4, "PRT": 12, "ERR": 8, "OLD": 7,
}  # fmt: skip
Lines = Mapping[str, Line]
Clauses = Mapping[str, Clause]


# --- the checks


def unstated(lines: Lines) -> Iterator[str]:
    """The behaviours of the documents that are not there, or do not say who states them."""
    for chapter, count in STATED.items():
        for name in (f"{chapter}-{number:02}" for number in range(1, count + 1)):
            if name not in lines:
                yield f"{name} is missing"
            elif not (lines[name].document and lines[name].normative):
                yield f"{name} names no document or no normative source"


def misplaced(lines: Lines) -> Iterator[str]:
    """Places that are not in one of the documents, by their number and by a cell, a section or an exercise."""
    for it in lines.values():
        yield from (f"{it.id}: {place}" for place in it.documents if not re.match(r"00[0-4]\b.*\S|00[0-4]_", place))


def unasked(lines: Lines, clauses: Clauses) -> Iterator[str]:
    """Lines that no clause of their own level and dialect asks for."""
    for it in lines.values():
        levels = {(clauses[name].level, clauses[name].dialect) for name in it.clauses if name in clauses}
        if it.clauses and (it.level, it.dialect) not in levels:
            yield f"{it.id} is {it.level}, and none of its clauses is"


def unfounded(lines: Lines, clauses: Clauses) -> Iterator[str]:
    """Clauses that no line of their level and dialect stands behind."""
    behind = {(name, it.level, it.dialect) for it in lines.values() for name in it.clauses}
    for it in clauses.values():
        if not any(name == it.id for name, _, _ in behind):
            yield f"{it.id} has no line"
        elif (it.id, it.level, it.dialect) not in behind:
            yield f"{it.id} is {it.level}, and none of its lines is"


def unbroken(clauses: Clauses, mutants: Collection[str]) -> Iterator[str]:
    """Clauses without a mutant of the table."""
    yield from (f"{it.id} names no mutant of the table" for it in clauses.values() if it.mutant not in mutants)


def unwitnessed(lines: Lines, entries: Collection[str]) -> Iterator[str]:
    """Witnesses that are no entries of the corpus, or stand behind several lines."""
    named = Counter(name for it in lines.values() for name in it.witnesses)
    yield from (f"{name} is no entry of the corpus" for name in named if name not in entries)
    yield from (f"{name} is named {count} times" for name, count in named.items() if count > 1)


def untested(lines: Lines) -> list[str]:
    """Lines that no clause asks for."""
    return [it.id for it in lines.values() if it.untested]


def needless(lines: Lines, clauses: Clauses) -> Iterator[str]:
    """Capabilities without which a line can be asked for all the same, or that no engine has."""
    for it in lines.values():
        if not it.needs:
            continue
        adapter = offering(it.needs)
        asked = [clauses[name] for name in it.clauses if name in clauses]
        offered = [(clause, adapter) for clause in asked if adapter and lacking(clause, adapter) == {None}]
        for key in it.needs:
            if not any(lacking(clause, without(adapter, key)) == {key} for clause, adapter in offered):
                yield f"{it.id} can be asked without {key}"


@cache
def offering(needs: tuple[str, ...]) -> Adapter | None:
    """Torch's adapter if it offers all that is needed, else the first that does."""
    adapters = [load("torch"), *map(load, builtin())]
    return next((adapter for adapter in adapters if set(needs) <= adapter.spellings.keys()), None)


def without(adapter: Adapter, key: str) -> Adapter:
    """An adapter with one spelling taken out."""
    return replace(adapter, spellings={name: text for name, text in adapter.spellings.items() if name != key})


def lacking(clause: Clause, adapter: Adapter) -> set[str | None]:
    """What an engine lacks for the clause's cases; None stands for a case that it can be asked."""
    return {missing(case.id, adapter) for case in clause.cases()}


def missing(case: str, adapter: Adapter) -> str | None:
    """What keeps an engine from being asked a case, if anything does; nothing is run to find out."""
    table = adapter.to_json()
    for program in recorded(case)[1]:
        try:
            lowered = program.to_json()
            Lowering(lowered, table).whole(lowered["instructions"])
        except NotOffered as lack:
            return str(lack.key)
    return None


# --- our catalogue


def test_every_behaviour_of_the_documents_is_there() -> None:
    """The catalogue has all 182 behaviours that the documents state, each with its place and its normative source."""
    assert sum(STATED.values()) == 182
    assert list(unstated(catalogue())) == []
    assert list(misplaced(catalogue())) == []


def test_every_chapter_has_lines() -> None:
    """Each chapter of the catalogue has lines, and lines are in the order of the chapters."""
    assert list(dict.fromkeys(it.chapter for it in catalogue().values())) == list(CHAPTERS)


def test_lines_name_clauses_that_there_are() -> None:
    """Every clause that a line names exists."""
    check_clauses(catalogue(), specification())


def test_lines_and_clauses_meet_at_one_level() -> None:
    """Each line is asked for by a clause of its level and dialect, and each clause has such a line behind it."""
    assert list(unasked(catalogue(), specification())) == []
    assert list(unfounded(catalogue(), specification())) == []


def test_little_is_left_untested() -> None:
    """Nothing but history is not tested."""
    assert set(untested(catalogue())) == {it.id for it in catalogue().values() if it.level == HISTORY}


def test_every_clause_has_a_mutant() -> None:
    """Every clause names a mutant of the table, a convention too: outside of its set there is a way to be wrong."""
    assert list(unbroken(specification(), MUTANTS)) == []


def test_witnesses_are_entries_of_the_corpus() -> None:
    """What a line names as a witness is in the corpus; each class of old disagreements has one."""
    assert list(unwitnessed(catalogue(), [entry.name for entry in corpus()])) == []
    assert [it.id for it in catalogue().values() if it.witnesses] == [f"PRG-{number:02}" for number in range(4, 14)]


def test_needs_are_needed() -> None:
    """Without any capability that a line needs, a clause that asks for the line is offered in none of its cases."""
    assert list(needless(catalogue(), specification())) == []


def test_the_page_is_what_the_catalogue_says() -> None:
    """docs/specification.md is what the command prints."""
    assert PAGE.read_text(encoding="utf-8") == document() + "\n", f"run: {COMMAND}"


def test_the_catalogue_is_cheap() -> None:
    """Reading the catalogue loads neither NumPy nor Hypothesis nor a clause."""
    code = (
        "import sys, conformance.catalogue as c; c.catalogue(); "
        "print([name for name in ('numpy', 'hypothesis', 'flint', 'conformance.clause') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PAGE.parent.parent
    )
    assert done.stdout.strip() == "[]"


def test_a_clauses_lines_are_found() -> None:
    """`lines_of` gives the lines that name the clause."""
    found = lines_of("requires_grad/flipping_the_flag_returns_the_tensor")
    assert [it.id for it in found] == ["REQ-03"]


# --- broken ones

ROW: Final = {
    "sentence": "A sentence.",
    "level": "contract",
    "document": "004 In[2]",
    "normative": "a page",
    "clauses": ["accumulation/each_backward_adds"],
}


def changed(name: str, **changes: Any) -> dict[str, Line]:
    """Our catalogue with one line changed."""
    return {**catalogue(), name: replace(catalogue()[name], **changes)}


@pytest.mark.parametrize(
    ("name", "changes", "fault"),
    [
        ("REQ-03", {"levle": "law"}, "the key 'levle' is unknown"),
        ("REQ-03", {"normative": None}, "the key 'normative' is missing"),
        ("REQ-03", {"sentence": ""}, "'sentence' is a text, and not empty"),
        ("REQ-03", {"clauses": "a/b"}, "'clauses' is a list of texts, and not empty"),
        ("REQ-03", {"clauses": []}, "'clauses' is a list of texts, and not empty"),
        ("REQ-03", {"level": "lore"}, "the level 'lore' is unknown"),
        ("REQ-03", {"level": "dialect"}, "names its dialect"),
        ("REQ-03", {"level": "dialect", "dialect": "latin"}, "names its dialect"),
        ("REQ-03", {"dialect": "torch"}, "names its dialect"),
        ("REQ-03", {"needs": ["wings"]}, "the capability 'wings' is unknown"),
        ("REQ-03", {"untested": "why not"}, "names clauses, or says why"),
        ("REQ-03", {"clauses": None}, "names clauses, or says why"),
        ("REQ-03", {"witnesses": ["zero_clears_the_gradient"]}, "names programs/corpus too"),
        ("XYZ-01", {}, "a chapter's three letters"),
        ("REQ-3", {}, "a chapter's three letters"),
    ],
)
def test_a_line_that_is_not_well_formed_is_refused(name: str, changes: dict[str, Any], fault: str) -> None:
    """A line with a fault is refused with its id; without the fault it is a line."""
    row = {key: value for key, value in {**ROW, **changes}.items() if value is not None}
    assert line("REQ-03", ROW).clauses == ("accumulation/each_backward_adds",)
    with pytest.raises(ConformanceError, match=f"^{name}: .*{re.escape(fault)}"):
        line(name, row)


def test_a_line_is_there_once(tmp_path: Path) -> None:
    """Two files with one line, or a file that is no TOML, are refused; one file is read."""
    text = '[REQ-03]\nsentence = "One."\nlevel = "law"\nnormative = "a page"\nuntested = "why not"\n'
    (tmp_path / "a.toml").write_text(text)
    assert list(read(tmp_path)) == ["REQ-03"]
    (tmp_path / "b.toml").write_text(text)
    with pytest.raises(ConformanceError, match=r"^REQ-03: b\.toml has it a second time"):
        read(tmp_path)
    (tmp_path / "b.toml").write_text("[REQ-04")
    with pytest.raises(ConformanceError, match=r"^b\.toml is no TOML"):
        read(tmp_path)


def test_an_unknown_clause_is_refused() -> None:
    """A line that names a clause that there is not is refused with its id."""
    with pytest.raises(ConformanceError, match=r"^REQ-03: there is no clause 'hooks/nothing'"):
        check_clauses(changed("REQ-03", clauses=("hooks/nothing",)), specification())


def test_what_is_not_stated_is_found() -> None:
    """A behaviour that was dropped, or that nobody states, is found; so is a place that is in no document."""
    dropped = {name: it for name, it in catalogue().items() if name != "OLD-07"}
    assert list(unstated(dropped)) == ["OLD-07 is missing"]
    assert list(unstated(changed("VJP-13", document=""))) == ["VJP-13 names no document or no normative source"]
    assert list(misplaced(changed("VJP-13", document="001 In[10]; In[19]"))) == ["VJP-13: In[19]"]


def test_a_wrong_level_is_found() -> None:
    """A line whose clauses are of another level or dialect is found, and so is the clause that it leaves behind."""
    known, name = specification(), "accumulation/the_gradient_stays_the_same_tensor"
    alone, right = {name: known[name]}, {"ACC-04": catalogue()["ACC-04"]}
    assert [*unasked(right, known), *unfounded(right, alone)] == []
    for change in ({"level": "law", "dialect": None}, {"dialect": "variable"}):
        wrong = {"ACC-04": replace(right["ACC-04"], **change)}
        assert list(unasked(wrong, known)) == [f"ACC-04 is {wrong['ACC-04'].level}, and none of its clauses is"]
        assert list(unfounded(wrong, alone)) == [f"{name} is dialect, and none of its lines is"]
    assert list(unfounded({}, alone)) == [f"{name} has no line"]


def test_a_clause_without_a_mutant_is_found() -> None:
    """A clause whose mutant is not in the table is found."""
    known = specification()
    first = next(iter(known.values()))
    broken = {first.id: replace(first, mutant="nobody")}
    assert list(unbroken(broken, MUTANTS)) == [f"{first.id} names no mutant of the table"]


def test_a_witness_that_there_is_not_is_found() -> None:
    """A witness that is no entry of the corpus is found, and so is one that two lines name."""
    name = catalogue()["PRG-08"].witnesses[0]
    assert list(unwitnessed({"PRG-08": catalogue()["PRG-08"]}, [])) == [f"{name} is no entry of the corpus"]
    assert list(unwitnessed(changed("PRG-09", witnesses=(name,)), [name]))[-1] == f"{name} is named 2 times"


def test_reasons_are_counted() -> None:
    """A line without clauses is counted among those that are not tested."""
    more = changed("REQ-03", clauses=(), untested="why not")
    assert set(untested(more)) - set(untested(catalogue())) == {"REQ-03"}


@pytest.mark.parametrize("key", ["hook", "shape", "variable"])
def test_what_is_not_needed_is_found(key: str) -> None:
    """A capability that the clauses of a line do without is found, be it another, one that falls back, or a dialect's."""
    assert list(needless({"REQ-03": catalogue()["REQ-03"]}, specification())) == []
    more = replace(catalogue()["REQ-03"], needs=(key,))
    assert list(needless({"REQ-03": more}, specification())) == [f"REQ-03 can be asked without {key}"]
