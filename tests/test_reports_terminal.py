"""The matrix and the failures in a terminal: widths, words, order, and what a failure looks like."""

from __future__ import annotations

import pytest

from reports import failures, matrix
from reports.summary import runs
from reports.text import columns
from tests.example_journals import case, journal, showcase

ADDS, CLEARS, ROOTS = "accumulation/each_backward_adds", "accumulation/zero_clears", "accumulation/two_roots"


@pytest.mark.parametrize("width", [40, 61, 80, 100, 132, 400])
def test_matrix_stays_within_its_width(width: int) -> None:
    """No line of the matrix is wider than asked, however many engines there are, however named."""
    journals = [*showcase(), journal([case(ADDS)], name="勾配" * 40), journal([case(ADDS)], name="x" * 90)]
    text = matrix.render(journals, colour=False, width=width)
    assert max(columns(line) for line in text.splitlines()) <= width


def test_wide_characters_take_two_columns() -> None:
    """Widths are those of a terminal: East Asian characters take two columns, combining marks none."""
    assert columns("勾配 x") == 6
    assert columns("e\u0301") == 1


def test_matrix_continues_in_further_tables() -> None:
    """Engines that do not fit beside each other are shown once each, in tables that repeat the chapters."""
    text = matrix.render(showcase(), colour=False, width=60)
    heads = [line for line in text.splitlines() if line.startswith("chapter ")]
    assert len(heads) > 1
    assert all("".join(heads).count(run.label) == 1 for run in runs(showcase()))
    assert text.count("\naccumulation ") == len(heads)


def test_matrix_cells_are_figures_and_words() -> None:
    """A cell says what passed of what, other verdicts in words, and a dash when all was declined."""
    cases = [case(ADDS), case(CLEARS, "fail"), case("hooks/order", "declined"), case("detach/cuts")]
    text = matrix.render([journal(cases)], colour=False, width=80)
    rows = [line.split(maxsplit=1) for line in text.splitlines()[1:6]]
    assert ["accumulation", "1/2"] in rows
    assert ["1", "fail"] in rows
    assert ["hooks", "–"] in rows
    assert ["detach", "1/1"] in rows
    assert "%" not in text


def test_matrix_tells_not_run_from_passed() -> None:
    """A chapter in which an engine has no case says so."""
    text = matrix.render([journal([case(ADDS)]), journal([case("detach/cuts")], name="b")], colour=False, width=80)
    assert text.count("not run") == 3  # one cell each, and the legend


def test_colour_is_only_added() -> None:
    """Without colour there is no escape; with it the words are the same."""
    plain, painted = (matrix.render(showcase(), colour=colour, width=90) for colour in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[31m" in painted
    for code in ("0", "1", "2", "31", "32", "33", "35", "39"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == plain


def test_failure_reads_like_the_sample() -> None:
    """A failure shows case, sentence, expected and got, the script that ran, the source and the command."""
    blocked = case(CLEARS, "fail", uses=[f"{ADDS}[float64]"])
    text = failures.render([journal([case(ADDS, "fail"), blocked])], colour=False)
    assert text == (
        "FAIL  accumulation/each_backward_adds        acme 0.3, float64        blocks 1 case\n"
        "  Each backward adds its gradient to the leaf's: after k runs of the same graph, .grad = k * d.\n"
        "  expected [4. 8.]  (the second backward adds to the first)\n"
        "  got      [2. 4.]\n"
        "  exact: the inputs are small integers\n"
        "  witness, 4 instructions, as it ran:\n"
        "      import acme\n"
        "      x = acme.tensor([1., 2.], requires_grad=True)\n"
        "      (x * x).sum().backward()\n"
        "      (x * x).sum().backward()\n"
        "      print(x.grad)  # expected [4. 8.]\n"
        "  source torch autograd notes; 000 In[7]      "
        "again: autograd-conformance run --engine acme --select 'accumulation/each_backward_adds*' --seed 7\n"
        "\n"
        "BLOCKED  1 case  stands on accumulation/each_backward_adds[float64]  acme 0.3: accumulation/zero_clears\n"
    )


def test_the_failure_that_blocks_most_comes_first() -> None:
    """Failures are sorted by how many cases they block, over all engines; vacuous cases come last."""
    roots = [case(ADDS, "vacuous"), case("detach/cuts", "fail"), case("modes/enable_inside", "fail")]
    blocked = [case(name, "fail", uses=["modes/enable_inside[float64]"]) for name in (CLEARS, "hooks/order")]
    text = failures.render([journal([case(ROOTS, "crash")], name="a"), journal(roots + blocked)], colour=False)
    heads = [line.split()[:2] for line in text.splitlines() if line[0:1].isupper() and "/" in line.split()[1]]
    assert heads == [
        ["FAIL", "modes/enable_inside"],
        ["CRASH", ROOTS],
        ["FAIL", "detach/cuts"],
        ["VACUOUS", ADDS],
    ]


def test_a_limit_counts_what_it_hides() -> None:
    """Failures beyond the limit are counted by chapter."""
    cases = [case(ADDS, "fail"), case(CLEARS, "fail"), case("detach/cuts", "fail")]
    text = failures.render([journal(cases)], colour=False, limit=1)
    assert text.count("FAIL  ") == 1
    assert "and 2 more: accumulation 1, detach 1\n" in text


def test_expected_failures_are_one_line_with_the_reason() -> None:
    """What an expectation explains is no failure, and its reason is shown."""
    known = case("detach/cuts", "fail", expectation={"verdict": "fail", "reason": "until 0.4"})
    text = failures.render([journal([known])], colour=False)
    assert text == "EXPECTED  fail  detach/cuts[float64]  acme 0.3: until 0.4\n"


def test_few_expected_failures_show_their_link_and_script() -> None:
    """Who looks at one or two expected failures sees what shows them without our code; a longer list stays short."""
    known = {"verdict": "fail", "reason": "until 0.4", "link": "https://example.org/12", "script": "import acme\nx\n"}
    cases = [case(name, "fail", expectation=known) for name in ("detach/cuts", CLEARS, ROOTS)]
    text = failures.render([journal(cases[:1])], colour=False)
    assert text == (
        "EXPECTED  fail  detach/cuts[float64]  acme 0.3: until 0.4\n"
        "  link https://example.org/12\n"
        "  script:\n"
        "      import acme\n"
        "      x\n"
    )
    assert failures.render([journal(cases[:2])], colour=False).count("  script:\n") == 2
    assert len(failures.render([journal(cases)], colour=False).splitlines()) == 3


def test_one_shortcoming_in_two_dtypes_is_one_line() -> None:
    """Expected failures of one clause with one reason are counted in one line, not with another reason."""
    known = {"verdict": "fail", "reason": "until 0.4"}
    cases = [case("detach/cuts", "fail", dtype=dtype, expectation=known) for dtype in ("float32", "float64")]
    cases.append(case("detach/cuts", "fail", dtype="float16", expectation={**known, "reason": "too small"}))
    assert failures.render([journal(cases)], colour=False).splitlines() == [
        "EXPECTED  fail  detach/cuts[float16]  acme 0.3: too small",
        "EXPECTED  fail  detach/cuts, 2 cases  acme 0.3: until 0.4",
    ]


def test_a_crash_is_explained_by_its_message() -> None:
    """Where there is nothing to compare, the message says what happened."""
    text = failures.render([journal([case(ADDS, "crash", message="signal 11 at instruction 3")])], colour=False)
    assert "  signal 11 at instruction 3\n" in text


@pytest.mark.parametrize("verdict", ["crash", "timeout", "error"])
@pytest.mark.parametrize(
    ("got", "said"),
    [
        ("it printed nothing", ""),
        ("out of memory", "  the last line that it printed: out of memory\n"),
    ],
)
def test_an_engine_that_was_lost_is_not_compared(verdict: str, got: str, said: str) -> None:
    """Where the engine gave no answer there is no expected and got, but what it printed last, if it did."""
    lost = case("kinks/abs_at_zero", verdict, message="no answer within 20 s, in apply", expected="an answer", got=got)
    assert failures.render([journal([lost])], colour=False) == (
        f"{verdict.upper()}  kinks/abs_at_zero        acme 0.3, float64\n"
        f"  abs'(0) is in [-1, 1].\n  no answer within 20 s, in apply\n{said}  source mathematics\n"
    )


def test_a_message_that_says_more_than_the_values_is_shown() -> None:
    """A refusal of what is legal is named; that a value is not as specified is what expected and got say."""
    refused = case(ADDS, "fail", message="backward was refused as graph_freed, but it is legal")
    assert "  backward was refused as graph_freed, but it is legal\n" in failures.render(
        [journal([refused])], colour=False
    )
    assert "is not what" not in failures.render([journal([case(ADDS, "fail")])], colour=False)


def test_values_of_several_lines_keep_their_shape() -> None:
    """A matrix is shown below its label, aligned."""
    text = failures.render([journal([case(ADDS, "fail", expected="[[1. 2.]\n [3. 4.]]", why="x")])], colour=False)
    assert "  expected [[1. 2.]\n            [3. 4.]]  (x)\n  got      [2. 4.]\n" in text


@pytest.mark.parametrize(
    ("why", "line"),
    [
        ("twice", "  expected [4. 8.]  (twice)    got [2. 4.]            exact: the inputs are small integers\n"),
        ("it must be [4. 8.]", "  expected [4. 8.]    got [2. 4.]            exact: the inputs are small integers\n"),
    ],
)
def test_the_reason_stands_beside_what_was_expected(why: str, line: str) -> None:
    """Why a value was expected is in brackets behind it, unless it only repeats the value."""
    assert line in failures.render([journal([case(ADDS, "fail", why=why)])], colour=False)


def test_two_dtypes_are_one_failure() -> None:
    """A failure in float32 and float64 is one block, with the witness of float64, and what both block."""
    roots = [case(ADDS, "fail", dtype=dtype, script=f"x = {dtype}") for dtype in ("float32", "float64")]
    blocked = [
        case(name, "fail", dtype=dtype, uses=[f"{ADDS}[{dtype}]"])
        for dtype in ("float32", "float64")
        for name in ("hooks/order", "detach/cuts", "graph/retained", "modes/enable_inside", CLEARS)
    ]
    text = failures.render([journal(roots + blocked)], colour=False)
    assert text.startswith(f"FAIL  {ADDS}        acme 0.3, float64 and float32        blocks 10 cases\n")
    assert text.count("FAIL  ") == 1
    assert "x = float64" in text
    assert "x = float32" not in text
    assert text.splitlines()[-1] == (
        f"BLOCKED  10 cases  stand on {ADDS}, float64 and float32  "
        f"acme 0.3: {CLEARS}, detach/cuts, graph/retained and 2 more"
    )


def test_nothing_wrong_is_said() -> None:
    """A report without failures is not empty."""
    assert failures.render([journal([case(ADDS)])], colour=False) == "no failure\n"


def test_of_many_sources_the_first_are_named() -> None:
    """A clause about all operators has a source for each; a terminal shows three, and one more rather than how many."""
    for count, shown in ((4, "a; b; c; d"), (6, "a; b; c; and 3 more")):
        clauses = {ADDS: {"sentence": "It adds.", "source": "; ".join("abcdef"[:count])}}
        text = failures.render([journal([case(ADDS, "fail")], clauses=clauses)], colour=False)
        assert f"  source {shown}  " in text.replace("\n", "  \n")
