"""The gate: what every verdict does to the exit code, and which failures explain which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import permutations
from typing import Any, Final

import pytest

from conformance.gate import Decision, conclusion, decide, remarks, settle
from conformance.journal import Journal
from conformance.verdict import EXIT_PRECEDENCE, VERDICTS, worst

# What a run ends with when one case among many has this verdict unexpectedly: written down a second time.
CODES: Final = {
    "pass": 0,
    "declined": 0,
    "blocked": 0,
    "inconclusive": 0,
    "fail": 1,
    "crash": 1,
    "timeout": 1,
    "flaky": 1,
    "unsupported": 1,
    "error": 3,
    "vacuous": 3,
}


def case(name: str, verdict: str, *, expected: str = "", **facts: Any) -> dict[str, Any]:
    expectation = {"verdict": expected, "reason": "", "link": "", "script": ""} if expected else None
    return {
        "case": name,
        "clause": name.split("[")[0],
        "verdict": verdict,
        "expectation": expectation,
        **facts,
    }


def journal(*cases: Mapping[str, Any], complete: bool = True, engine: str = "acme") -> Journal:
    counts = Counter(record["verdict"] for record in cases)
    header = {"engine": {"name": engine}, "selected": len(cases)}
    return Journal(header, cases, {"counts": counts} if complete else None)


def crowd(chapter: str = "c", count: int = 20) -> list[dict[str, Any]]:
    """Enough passes that one undecided case is not a tenth of the chapter."""
    return [case(f"{chapter}/passes_{number}", "pass") for number in range(count)]


def test_the_table_is_the_one_of_the_verdicts() -> None:
    """Every verdict has its line here, and no other."""
    assert {name: verdict.exit_code for name, verdict in VERDICTS.items()} == CODES


@pytest.mark.parametrize("verdict", CODES)
@pytest.mark.parametrize("expected", ["", *CODES])
def test_verdicts_against_expectations(verdict: str, expected: str) -> None:
    """An expected verdict is no surprise; any other ends the run, the pass of an expected failure too.

    What ends it is the verdict's own code, or 1 where the verdict alone would have passed.
    """
    found = journal(*crowd(), case("c/odd", verdict, expected=expected))
    odd = next(item for item in settle(found) if item.case == "c/odd")
    decision = decide([found])
    if expected == verdict:
        assert (odd.surprise, decision.exit_code, decision.reasons) == (False, 0, ())
    elif expected:
        assert (odd.surprise, decision.exit_code) == (True, CODES[verdict] or 1)
        assert decision.reasons == (f"acme: {verdict} c/odd, but {expected} is expected; update the expectation",)
    else:
        assert (odd.surprise, decision.exit_code) == (CODES[verdict] != 0, CODES[verdict])
        assert decision.reasons == ((f"acme: {verdict} c/odd",) if CODES[verdict] else ())


# --- root causes


def outcome(*cases: Mapping[str, Any]) -> dict[str, tuple[str, tuple[str, ...], int]]:
    return {item.case: (item.verdict, item.blocked_by, item.blocks) for item in settle(journal(*cases))}


@pytest.mark.parametrize("cause", ["fail", "crash", "timeout", "flaky", "unsupported", "error"])
def test_a_root_cause_blocks_its_dependents(cause: str) -> None:
    """What uses or stands on a failed case is blocked by it, and the failed one counts them."""
    found = outcome(
        case("op/mul", cause),
        case("a/uses", "fail", uses=["op/mul", "op/add"]),
        case("a/stands", "vacuous", stands_on=["op/mul"]),
        case("a/alone", "fail", uses=["op/add"]),
        case("op/add", "pass"),
    )
    assert found["op/mul"] == (cause, (), 2)
    assert found["a/uses"] == found["a/stands"] == ("blocked", ("op/mul",), 0)
    assert found["a/alone"] == ("fail", (), 0)


@pytest.mark.parametrize("verdict", CODES)
def test_only_what_a_cause_can_explain_is_blocked(verdict: str) -> None:
    """A pass beside a failed prerequisite stays a pass; a crash or a hang is no one else's fault."""
    found = outcome(case("op/mul", "fail"), case("a/x", verdict, uses=["op/mul"], stands_on=["op/mul"]))
    explained = verdict in ("fail", "error", "unsupported", "vacuous")
    assert found["a/x"][0] == ("blocked" if explained else verdict)


@pytest.mark.parametrize("quiet", ["pass", "declined", "inconclusive", "vacuous", "blocked"])
def test_what_is_no_failure_blocks_nothing(quiet: str) -> None:
    """A declined or undecided prerequisite explains no failure."""
    assert outcome(case("op/mul", quiet), case("a/x", "fail", uses=["op/mul"]))["a/x"] == ("fail", (), 0)


def test_blocked_cases_do_not_redden_the_run() -> None:
    """Of a failure and the cases it explains, one sentence remains, and its exit code."""
    decision = decide([journal(case("op/mul", "fail"), case("a/x", "error", uses=["op/mul"]))])
    assert (decision.exit_code, decision.reasons) == (1, ("acme: fail op/mul",))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_circle_explains_nothing(order: tuple[int, ...]) -> None:
    """Failures that only explain each other stay failures: something must be red."""
    ring = [case(f"a/{i}", "fail", uses=[f"a/{(i + 1) % 3}"], stands_on=[f"a/{(i + 2) % 3}"]) for i in order]
    found = outcome(*ring, case("a/self", "fail", uses=["a/self"], stands_on=["a/self"]))
    assert {verdict for verdict, _, _ in found.values()} == {"fail"}
    assert decide([journal(*ring)]).exit_code == 1


def test_chains_end_at_their_root() -> None:
    """In a chain of failures only the first remains red."""
    found = outcome(case("a/1", "fail"), case("a/2", "fail", uses=["a/1"]), case("a/3", "fail", stands_on=["a/2"]))
    assert [found[name][0] for name in ("a/1", "a/2", "a/3")] == ["fail", "blocked", "blocked"]


def test_an_expected_failure_is_not_explained_away() -> None:
    """An expectation is about the case itself: no prerequisite blocks it, or counts it."""
    found = outcome(case("op/mul", "fail"), case("a/x", "fail", expected="fail", uses=["op/mul"]))
    assert found == {"op/mul": ("fail", (), 0), "a/x": ("fail", (), 0)}


def test_a_known_fault_excuses_no_unknown_one() -> None:
    """What stands on a failure that was expected stays a failure: an expectation is about its own case alone."""
    found = journal(case("op/mul", "fail", expected="fail"), case("a/x", "fail", uses=["op/mul"]))
    assert [item.verdict for item in settle(found)] == ["fail", "fail"]
    assert decide([found]) == Decision(1, ("acme: fail a/x",))


def test_a_run_in_which_nothing_was_judged_does_not_conform() -> None:
    """When every case is declined nothing is known of the engine: 5, and a sentence."""
    decision = decide([journal(case("a/x", "declined"), case("a/y", "declined"))])
    assert decision == Decision(5, ("acme: nothing was judged, all 2 cases are declined",))
    assert decide([journal(case("a/x", "declined"), case("a/y", "pass"))]).exit_code == 0


def test_root_causes_come_first() -> None:
    """Those that block most come first, then by name; what is no root cause follows."""
    found = settle(
        journal(
            case("z/passes", "pass"),
            case("b/lone", "fail"),
            case("a/lone", "error"),
            case("y/root", "crash"),
            case("c/one", "fail", uses=["y/root"]),
            case("a/two", "unsupported", uses=["y/root"]),
        )
    )
    assert [item.case for item in found] == ["y/root", "a/lone", "b/lone", "a/two", "c/one", "z/passes"]
    assert found[0].blocks == 2


# --- whole runs


@pytest.mark.parametrize("others", [9, 10])
def test_too_many_undecided_cases_are_the_suites_fault(others: int) -> None:
    """More than a tenth of a chapter undecided is exit code 3, however large the other chapters are."""
    found = journal(*crowd("d"), *crowd("c", others - 1), case("c/odd", "inconclusive"))
    wanted = (0, ()) if others == 10 else (3, ("acme: 1 of 9 cases of c are inconclusive, the suite is at fault",))
    decision = decide([found])
    assert (decision.exit_code, decision.reasons) == wanted


# What a record counts of what may be left open, at its limit of a tenth and beyond it, and the words for the latter.
OPEN: Final[Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], str]]] = {
    "undecided numbers": (
        {"outcomes": {"exact": 40, "pass": 50, "undecided": 10}},
        {"outcomes": {"exact": 40, "pass": 49, "undecided": 11}},
        "11 of 100 numbers of c are undecided or too wide",
    ),
    "numbers left open in both ways": (
        {"outcomes": {"pass": 88, "fail": 2, "undecided": 4, "too wide": 6}},
        {"outcomes": {"pass": 87, "fail": 2, "undecided": 5, "too wide": 6}},
        "11 of 100 numbers of c are undecided or too wide",
    ),
    "unwritable sketches": (
        {"generated": {"programs": 90, "unwritable": {"out of range": 7, "undecided": 3}}},
        {"generated": {"programs": 89, "unwritable": {"out of range": 8, "undecided": 3}}},
        "11 of 100 sketches of c/x are unwritable",
    ),
}


@pytest.mark.parametrize("name", OPEN)
def test_too_much_that_is_left_open_is_the_suites_fault(name: str) -> None:
    """More than a tenth of a chapter's numbers or sketches is exit code 3 with the counts, a tenth is not."""
    bearable, unbearable, words = OPEN[name]
    assert decide([journal(case("c/x", "pass", **bearable))]) == Decision(0, ())
    wanted = Decision(3, (f"acme: {words}, the suite is at fault",))
    assert decide([journal(case("c/x", "pass", **unbearable), *crowd("d"))]) == wanted


@pytest.mark.parametrize("name", OPEN)
def test_what_is_left_open_is_counted_over_a_chapter(name: str) -> None:
    """The numbers of a chapter, and the sketches of a clause, are one sum over its cases; those of another are none of it."""
    bearable, unbearable, words = OPEN[name]
    ample = [case(f"c/x[{number}]", "pass", **bearable) for number in range(2)]
    assert decide([journal(*ample)]).exit_code == 0
    spread = journal(case("c/x[a]", "pass", **unbearable), *ample)
    more = words.replace("11 of 100", "31 of 300")
    assert decide([spread]).reasons == (f"acme: {more}, the suite is at fault",)
    apart = journal(case("c/x", "pass", **unbearable), case("d/a", "pass", **bearable))
    assert decide([apart]).reasons == (f"acme: {words}, the suite is at fault",)


def test_every_kind_that_is_left_open_is_told() -> None:
    """Cases, numbers and sketches of one chapter are three sentences."""
    everything = {key: value for _, facts, _ in OPEN.values() for key, value in facts.items()}
    decision = decide([journal(case("c/x", "inconclusive", **everything))])
    assert decision.exit_code == 3
    assert [reason.split()[4] for reason in decision.reasons] == ["cases", "numbers", "sketches"]


# --- what is said


def test_a_reason_says_what_happened() -> None:
    """Of a failure what was expected and what was got, of anything else the message; a pass needs no more words."""
    compared = {"message": "x.grad is wrong", "expected": "[4.]", "got": "[2.]"}
    rows = [
        (case("a/fails", "fail") | compared, "fail a/fails: x.grad is wrong: expected [4.], got [2.]"),
        (case("a/hangs", "timeout") | compared, "timeout a/hangs: x.grad is wrong"),
        (
            case("a/known", "fail", expected="crash") | compared,
            "fail a/known, but crash is expected; update the expectation: x.grad is wrong: expected [4.], got [2.]",
        ),
        (
            case("a/mended", "pass", expected="fail", message="as specified"),
            "pass a/mended, but fail is expected; update the expectation",
        ),
    ]
    for record, words in rows:
        assert decide([journal(record)]).reasons == (f"acme: {words}",)


CONCLUSIONS: Final[Mapping[str, Journal]] = {
    "conforms": journal(case("c/x", "pass"), case("c/y", "fail", expected="fail")),
    "does not conform: 1 case against expectation": journal(case("c/x", "fail"), case("c/y", "error", uses=["c/x"])),
    "does not conform: 2 cases against expectation": journal(case("c/x", "fail"), case("c/y", "pass", expected="fail")),
    "does not conform: 1 case against expectation, the adapter or the suite is at fault": journal(case("c/x", "error")),
    "does not conform: 1 case against expectation, the journal is incomplete": journal(
        case("c/x", "fail"), complete=False
    ),
    "does not conform: the journal is incomplete": journal(case("c/x", "pass"), complete=False),
    "does not conform: nothing was judged": journal(case("c/x", "declined")),
    "does not conform: the adapter or the suite is at fault": journal(case("c/x", "inconclusive"), case("c/y", "pass")),
}


@pytest.mark.parametrize("words", CONCLUSIONS)
def test_the_conclusion_is_the_decision_in_words(words: str) -> None:
    found = CONCLUSIONS[words]
    assert conclusion(found) == f"acme {words}"
    assert (decide([found]).exit_code == 0) == (words == "conforms")


def test_a_case_that_drew_no_program_is_remarked() -> None:
    """An expected failure of random programs hides other faults, unless programs are drawn in spite of it."""
    drew_none: dict[str, Any] = {"generated": {"programs": 0, "unwritable": {}}}
    drew: dict[str, Any] = {"generated": {"programs": 9, "unwritable": {}}}
    cases = [
        case("p/hidden[a]", "fail", expected="fail", **drew_none),
        case("p/hidden[b]", "crash", expected="crash", **drew_none),
        case("p/drawn", "fail", expected="fail", **drew),
        case("p/unexpected", "fail", **drew_none),
        case("p/contradicted", "pass", expected="fail", **drew_none),
        case("p/lacking", "declined", expected="declined", **drew_none),
        case("c/fixed", "fail", expected="fail"),
    ]
    assert remarks(journal(*cases)) == ["acme: 2 expected cases drew no program: name the operators with `without`"]
    assert remarks(journal(*cases[2:])) == []


def test_a_selection_is_remarked() -> None:
    found = journal(case("c/x", "pass"))
    header = {**found.header, "specified": 9}
    assert remarks(Journal(header, found.cases, found.footer)) == ["acme: only 1 of 9 cases were selected"]


# --- several runs

BAD: Final = {
    3: journal(case("c/x", "error")),
    6: journal(case("c/x", "pass"), complete=False, engine="cut"),
    1: journal(case("c/x", "fail")),
    0: journal(case("c/x", "pass")),
}


@pytest.mark.parametrize("codes", [(3, 6, 1, 0), (0, 1, 6), (1, 3), (0, 6), (0, 1), (0,)])
def test_the_worst_of_several_journals_counts(codes: tuple[int, ...]) -> None:
    """A broken suite wins over an incomplete journal, and that over a failed case; every reason is given."""
    decision = decide([BAD[code] for code in codes])
    assert decision.exit_code == next(code for code in (3, 6, 1, 0) if code in codes)
    assert len(decision.reasons) == len([code for code in codes if code])
    if 6 in codes:
        assert "cut: the journal is incomplete, 1 cases were recorded" in decision.reasons


def test_precedence() -> None:
    """3 wins over 6, then 4, 2, 5 and 1; no code at all is 0, and a code that is none of ours is refused."""
    assert [worst(EXIT_PRECEDENCE[first:]) for first in range(7)] == [3, 6, 4, 2, 5, 1, 0]
    assert worst(()) == 0
    with pytest.raises(ValueError, match="7"):
        worst((1, 7))
