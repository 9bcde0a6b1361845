"""What the page says, apart from how a browser shows it: order, title, conventions, what was not offered."""

from __future__ import annotations

import pytest

from reports import html
from reports.conventions import chosen, conventions
from reports.facts import lacking
from reports.summary import runs
from reports.view import ordered
from tests.example_journals import case, journal

ADDS = "accumulation/each_backward_adds"


def test_page_shows_conventions_side_by_side() -> None:
    """What engines chose within an admissible set is shown, and where they differ."""
    observed = [case("kinks/relu_at_zero", conventions={"relu'(0)": value}) for value in ("0", "1/2")]
    page = html.render([journal([observed[0]]), journal([observed[1]], name="b")])
    assert 'relu&#39;(0)</code> <span class="tag">differs</span>' in page
    assert "<td>0</td><td>1/2</td>" in page
    assert "differs" not in html.render([journal([observed[0]])]).split("</style>")[1]


def test_a_convention_without_a_name_is_that_of_its_clause() -> None:
    """A choice that its clause gives no name is found under the clause."""
    [run] = runs([journal([case("zeroing/before_any", conventions={"": "no gradient"})])])
    assert conventions([run]) == [("zeroing/before_any", ["no gradient"], False)]


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["[0.], [0. 0. 0.], [0. 0.]", "[0.], [-0. 0.]"], "0"),
        (["[0.5 0.5], [0.25 0.25 0.25 0.25]"], "0.25 or 0.5"),
        (["[[1. 0.] [0. 1.]]"], "0 or 1"),
        (["[0.33333334 0.33333334]", "[0.3333333333333333]"], "0.333333"),
        (["1.", "1."], "1"),
        (["no gradient, [0. 0.]", "[0.]"], "0 or no gradient"),
        (["accepted", "refused: TypeError: no, never"], "accepted or refused: TypeError: no, never"),
        ([], "–"),
    ],
)
def test_equal_conventions_read_the_same(texts: list[str], shown: str) -> None:
    """Each element that was seen is shown once, in order, whatever the arrays; words stay as they are."""
    assert chosen(texts) == shown


def test_what_an_engine_does_not_offer_is_named_once() -> None:
    """Declined cases are counted by capability, the most first, with their chapters; a text of another form is kept."""
    texts = ["does not offer hooks, grad", "does not offer the dialect torch", "does not offer grad", "too old"]
    [run] = runs([journal([case(f"hooks/{index}", "declined", declined=text) for index, text in enumerate(texts)])])
    assert lacking(run) == [
        *(("grad", 2, ["hooks"]), ("dialect torch", 1, ["hooks"])),
        *(("hooks", 1, ["hooks"]), ("too old", 1, ["hooks"])),
    ]


def test_page_shows_what_failed_before_what_passed() -> None:
    """Engines are ordered by what needs attention, then by name, whatever the order of the journals."""
    known = {"verdict": "fail", "reason": "until 0.4"}
    journals = [
        journal([case(ADDS)], name="good"),
        journal([case(ADDS)], name="Early"),
        journal([case(ADDS, "fail", expectation=known)], name="known"),
        journal([case(ADDS, "fail")], name="bad"),
    ]
    assert [run.journal.engine for run in ordered(runs(journals))] == ["bad", "known", "Early", "good"]


def test_page_title_names_engines_and_one_result() -> None:
    """The title of one engine's page says the result; that of several names them."""
    one = journal([case(ADDS)], name="torch", version="2.13.0")
    assert "<title>torch 2.13.0: 1 passed, 0 failed, 0 declined of 1 – autograd conformance</title>" in html.render(
        [one]
    )
    two = html.render([one, journal([case(ADDS, "fail")])])
    assert "<title>acme 0.3 and torch 2.13.0 – autograd conformance</title>" in two
    assert "<title>autograd conformance</title>" in html.render([])


def test_a_run_of_declined_cases_alone_does_not_conform() -> None:
    """A page that judged nothing says so."""
    page = html.render([journal([case(ADDS, "declined")])])
    assert "nothing judged" in page
    assert "</span> conforms</span>" not in page


def test_of_one_engine_its_failures_come_first() -> None:
    """One engine's page says at the top how it stands, and what fails before the matrix; of several the matrix compares first."""
    failing = journal([case("vjp/one", "fail"), case("vjp/two", "fail"), case("vjp/three")])
    one, two = html.render([failing]), html.render([failing, journal([case("vjp/one")], name="other")])
    assert "<h1>acme 0.3: 2 cases against expectation</h1>" in one
    assert "<h1>What do autograd engines do?</h1>" in two
    assert one.index('id="failures"') < one.index('id="matrix"')
    assert two.index('id="matrix"') < two.index('id="failures"')
    assert "<h1>acme 0.3: conforms</h1>" in html.render([journal([case("vjp/one")])])
