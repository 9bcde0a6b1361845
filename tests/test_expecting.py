"""The command that keeps expectations in step: a failure enters with a reason, and leaves when it passes."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from conformance import expectations
from conformance.cli import main, parser
from conformance.expecting import Cause, update
from tests.example_journals import case, journal
from tests.test_merge import written

BROKEN = "reference,mutant=accumulate_overwrites"
RUN = ["--select", "accumulation/*", "--jobs", "1"]
WHY = ["--reason", "backward writes where it should add", "--link", "https://example.com/issues/7"]


def test_from_a_failure_to_its_mending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It fails; with a reason it conforms; mended it is against expectation; then the row leaves, and it conforms."""
    out, folder = tmp_path / "out", tmp_path / "expectations"
    folder.mkdir()
    kept = ["--expectations", str(folder), "--out", str(out)]
    update_it = ["expect", "update", str(out / "reference.jsonl"), "--expectations", str(folder)]
    assert main(["run", "--engine", BROKEN, *RUN, *kept]) == 1
    assert main(update_it) == 1
    assert "need a --reason" in capsys.readouterr().err
    assert main([*update_it, *WHY]) == 0
    assert main(["run", "--engine", BROKEN, *RUN, *kept]) == 0
    assert main(["run", "--engine", "reference", *RUN, *kept]) == 1
    assert main(update_it) == 0
    assert expectations.load("reference", folder) == {}
    assert main(["run", "--engine", "reference", *RUN, *kept]) == 0


FILE = """\
# Why acme may differ.

# What it does to hooks.
[[cause]]
reason = "hooks run backwards"  # since 0.2
link = "https://example.com/1"

[[cause.case]]
id = "hooks/order[float64]"
verdict = "declined"

[[cause.case]]
id = "hooks/other[float64]"
verdict = "declined"

# Another matter.
[[cause]]
reason = "it is slow"
link = "https://example.com/2"

[[cause.case]]
id = "vjp/one[float64]"
verdict = "declined"
"""
KNOWN = {"verdict": "declined", "reason": "", "link": "", "script": ""}
LATER = [
    case("hooks/order", expectation=KNOWN),
    case("hooks/other", "declined", expectation=KNOWN),
    case("vjp/one", expectation=KNOWN),
]


def test_what_is_kept_stays_as_it_was_written(tmp_path: Path) -> None:
    """Comments and the rows that still hold; a cause leaves with its last row."""
    (tmp_path / "acme.toml").write_text(FILE)
    change = update(journal(LATER), tmp_path, [], None)
    assert change.removed == ("hooks/order[float64]", "vjp/one[float64]")
    for text in ("# Why acme may differ.", "# What it does to hooks.", "# since 0.2", 'id = "hooks/other[float64]"'):
        assert text in change.after
    assert [cause["reason"] for cause in tomllib.loads(change.after)["cause"]] == ["hooks run backwards"]


def test_a_failure_joins_the_cause_that_has_its_reason(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(FILE)
    failing = journal(
        [case("hooks/new", "fail", witness={"schema": 1}), case("hooks/newer", "fail", dtype="float32", witness={})]
    )
    change = update(failing, tmp_path, [], Cause("hooks run backwards", "https://example.com/1"))
    causes = tomllib.loads(change.after)["cause"]
    assert [row["id"] for row in causes[0]["case"]] == [
        "hooks/order[float64]",
        "hooks/other[float64]",
        "hooks/new[float64]",
        "hooks/newer[float32]",
    ]
    assert causes[1] == tomllib.loads(FILE)["cause"][1]


def test_a_case_has_one_row(tmp_path: Path) -> None:
    """A new failure beside the known one of a case of random programs takes the place of its row."""
    (tmp_path / "acme.toml").write_text(FILE)
    change = update(
        journal([case("vjp/one", "fail", witness={})]), tmp_path, [], Cause("it is wrong", "https://example.com")
    )
    rows = [row for cause in tomllib.loads(change.after)["cause"] for row in cause["case"]]
    assert [row["verdict"] for row in rows if row["id"] == "vjp/one[float64]"] == ["fail"]


def test_a_new_cause_has_its_script(tmp_path: Path) -> None:
    script = "import acme\nprint('''quoted''')  # \\n\n"
    change = update(
        journal([case("vjp/one", "fail", witness={})]), tmp_path, [], Cause("it is wrong", "", script, "2.0")
    )
    (cause,) = tomllib.loads(change.after)["cause"]
    assert cause["kind"] == "fault"
    assert cause["script"].strip() == script.strip()
    assert cause["prints"] == "2.0"
    assert cause["case"] == [{"id": "vjp/one[float64]", "verdict": "fail", "witness": "{}"}]


def test_only_what_is_selected(tmp_path: Path) -> None:
    failing = journal([case("vjp/one", "fail", witness={}), case("hooks/one", "fail", witness={})])
    change = update(failing, tmp_path, ["vjp/*"], Cause("it is wrong", "https://example.com"))
    assert change.added == ("vjp/one[float64]",)


def test_an_error_cannot_be_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one", "error")]))
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path), *WHY]) == 3
    assert "no expectation can excuse vjp/one[float64] (error)" in capsys.readouterr().err
    assert not (tmp_path / "acme.toml").exists()


def test_a_dry_run_shows_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one", "fail", witness={})]))
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path), "--dry-run", *WHY]) == 0
    assert '+id = "vjp/one[float64]"' in capsys.readouterr().out
    assert not (tmp_path / "acme.toml").exists()


def test_the_commands_of_the_guide_are_ours() -> None:
    """Every `autograd-conformance` command in the guides to expectations, CI and comparing can be parsed."""
    folder = Path(__file__).resolve().parent.parent / "docs"
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("expectations.md", "ci.md", "comparing.md")]
    blocks = [block.replace("\\\n", "") for text in texts for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("autograd-conformance ")]
    assert len(commands) >= 8
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True)[1:])


REFUSED = {
    "a reason that nobody can check": (["--reason", "because"], "needs --link URL or --script F"),
    "a link without a reason": (["--link", "https://example.com"], "go with --reason"),
    "a script that is not there": (["--reason", "because", "--script", "nowhere.py"], "cannot read the script"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one", "fail", witness={})]))
    options, sentence = REFUSED[what]
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path), *options]) == 2
    assert sentence in capsys.readouterr().err


BROKEN_FILES = {
    "no TOML": "[[cause",
    "a cause without cases": '[[cause]]\nreason = "it is slow"\n',
    "no causes": "cause = 3\n",
}


@pytest.mark.parametrize("what", BROKEN_FILES)
def test_a_file_that_cannot_be_read_is_left_alone(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "acme.toml").write_text(BROKEN_FILES[what])
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one", "fail", witness={})]))
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path), *WHY]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert (tmp_path / "acme.toml").read_text() == BROKEN_FILES[what]


def test_a_row_whose_case_is_an_error_now_stays(tmp_path: Path) -> None:
    """Nobody said that the failure is gone: the adapter is broken, and the row waits."""
    (tmp_path / "acme.toml").write_text(FILE)
    rows = [case("hooks/order", "error", expectation=KNOWN), case("hooks/new", "fail", witness={})]
    change = update(journal(rows), tmp_path, [], Cause("another matter", "https://example.com/3"))
    assert 'id = "hooks/order[float64]"' in change.after
    assert change.removed == ()


def test_an_incomplete_journal_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was not asked would look as if it passed."""
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one")], complete=False))
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path)]) == 2
    assert "is incomplete" in capsys.readouterr().err
