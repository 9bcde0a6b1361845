"""What the page says of one clause, its formula, sources, mutant and example, and of one engine, its causes and its time."""

from __future__ import annotations

from typing import Any, Final

import pytest

from conformance.journal import Journal
from reports.account import accounts
from reports.catalogue import Clause, catalogue, stated
from reports.html import render
from reports.sources import cited
from reports.summary import runs
from tests.example_journals import case, journal

ADDS, CUTS = "accumulation/each_backward_adds", "detach/cuts"
KNOWN: Final = {"verdict": "fail", "reason": "until 0.4"}


def _clause(*journals: Journal) -> Clause:
    [chapter] = catalogue(runs(journals))
    [clause] = chapter.clauses
    return clause


def _facts(**facts: Any) -> dict[str, Any]:
    return {
        ADDS: {"sentence": "One adds: x = 1.", "level": "law", "source": "", "mutant": "", "dialect": None, **facts}
    }


# --- a clause


@pytest.mark.parametrize(
    ("sentence", "formula"),
    [
        ("Every use counts: d(x*x + 3x) = 2x + 3.", "d(x*x + 3x) = 2x + 3."),
        ("It adds: after two of them, x.grad = 4x.", ""),
        ("It adds: x.grad = g, then g + 2x.", "x.grad = g, then g + 2x."),
        ("With u = x.detach(), u is a constant.", ""),
        ("Documents: they give [0, 4].", ""),
        ("Nothing at all.", ""),
    ],
)
def test_a_formula_ends_a_sentence(sentence: str, formula: str) -> None:
    """What follows the last colon is a formula when it is an equality; the two parts are the sentence."""
    assert stated(sentence)[1] == formula
    assert "".join(stated(sentence)) == sentence


def test_known_sources_are_links() -> None:
    """A function's own page, a note, a book; a document's place or a word of mathematics stays text."""
    source = "document 000 In[7]; torch.Tensor.backward, retain_graph; chain rule; torch 0.3 autograd notes, volatile"
    pieces = cited(source)
    assert "".join(text for text, _ in pieces) == source
    assert [address for _, address in pieces if address] == [
        "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html",
        "https://docs.pytorch.org/docs/0.3.0/notes/autograd.html",
    ]


@pytest.mark.parametrize(
    "source",
    [
        *("torch.Tensor, conversion to bool", "torch.Tensor.grad_fn", "torch: None", "torch.autograd.graph.Node.name"),
        *("torch.Tensor.__repr__", "torchvision.ops", "chain rule"),
    ],
)
def test_what_has_no_page_is_no_link(source: str) -> None:
    """A name is linked only when a page has exactly this name."""
    assert all(address is None for _, address in cited(source))


def test_an_address_in_a_source_is_a_link() -> None:
    """What is an address already leads to itself."""
    assert ("https://example.org/a", "https://example.org/a") in cited("a note, https://example.org/a; chain rule")


def test_a_clause_says_how_its_mutant_is_broken() -> None:
    """The mutant's fault is told beside its name; a name that the table does not have stands alone."""
    known = journal([case(ADDS)], clauses=_facts(mutant="cotangent_is_ignored"))
    assert _clause(known).fault == "backward(v) starts from ones whatever v is"
    assert "<code>cotangent_is_ignored</code>: backward(v) starts from ones whatever v is" in render([known])
    unknown = journal([case(ADDS)], clauses=_facts(mutant="of_another_release"))
    assert (_clause(unknown).mutant, _clause(unknown).fault) == ("of_another_release", "")


def test_a_clause_has_an_example_that_passed() -> None:
    """The example is torch's when it passed, else of the first engine that did; without one there is no place for it."""
    others = [journal([case(ADDS, example=f"run {name}")], name=name) for name in ("jax", "torch", "b")]
    assert (_clause(*others).shown_by, _clause(*others).example) == ("torch 0.3", [("run torch", "")])
    assert _clause(others[0], others[2]).shown_by == "jax 0.3"
    page = render([journal([case(ADDS)])])
    assert 'class="example"' not in page
    assert "Example, as it passed on jax 0.3" in render(others[:1])


def test_a_clause_of_a_dialect_is_apart() -> None:
    """Its tag names the dialect, its level is that of all dialects."""
    [chapter] = catalogue(runs([journal([case(ADDS)], clauses=_facts(level="dialect", dialect="torch"))]))
    assert not chapter.clauses
    assert [(clause.level, clause.tag) for clause in chapter.dialect] == [("dialect", "dialect: torch")]


# --- an engine


def test_an_engine_is_told_apart() -> None:
    """Its root causes with what they block, what is expected and why, and what its conventions are."""
    cases = [
        case(ADDS, "fail"),
        case("accumulation/zero_clears", "fail", uses=[f"{ADDS}[float64]"]),
        case(CUTS, "fail", expectation=KNOWN),
        case("kinks/relu_at_zero", conventions={"relu'(0)": "[0.5]"}),
        case("hooks/order", "declined", declined="does not offer hook, grad"),
    ]
    [account] = accounts(runs([journal(cases)]))
    assert [(cause.name, cause.note, cause.tone) for cause in account.causes] == [
        (ADDS, "float64; blocks 1 case", "bad")
    ]
    assert [(cause.name, cause.note, cause.tone) for cause in account.known] == [(CUTS, "1 case: until 0.4", "known")]
    assert account.lacking == [("grad", 1, ["hooks"]), ("hook", 1, ["hooks"])]
    assert account.chosen == [("relu'(0)", "0.5")]


def test_the_time_of_each_chapter_is_drawn_to_scale() -> None:
    """The longest chapter has the whole bar; a run in which nothing took time has none."""
    cases = [case(ADDS, seconds=3.0), case(ADDS, dtype="float32", seconds=1.0), case(CUTS, seconds=1.0)]
    [account] = accounts(runs([journal(cases)]))
    assert [(part.name, part.seconds, part.share) for part in account.parts] == [
        ("accumulation", "4.00 s", 100.0),
        ("detach", "1.00 s", 25.0),
    ]
    [idle] = accounts(runs([journal([case(ADDS, seconds=0)])]))
    assert [part.share for part in idle.parts] == [0.0]
