"""The journal: what is written is read, what was cut off is incomplete, and what is no journal is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.errors import JournalError, UsageError
from conformance.journal import SCHEMA, Journal, JournalWriter, read_journal
from conformance.verdict import VERDICTS

HEADER: Final[dict[str, Any]] = {
    "suite": {"version": "1", "digest": "d"},
    "engine": {"name": "acme"},
    "profile": "quick",
    "seed": 0,
    "platform": "",
    "started": "",
    "selected": 1,
    "clauses": {},
}


def case(name: str = "a/b[float64]", verdict: str = "pass", **facts: Any) -> dict[str, Any]:
    record = {"case": name, "clause": "a/b", "verdict": verdict, "message": "", "seconds": 0.0}
    return {**record, "programs": 1, "compared": 1, **facts}


def written(path: Path, *cases: dict[str, Any], footer: bool = True) -> Path:
    with JournalWriter(path, {**HEADER, "selected": len(cases)}) as writer:
        for record in cases:
            writer.case(record)
        if footer:
            writer.footer(seconds=1.5)
    return path


# Any text at all: lone surrogates, NUL, separators that other readers take for the end of a line.
texts = st.text(st.characters(codec=None)) | st.sampled_from(["\ud800", "\x00", "a\u2028b\x0bc\x85d\r\n", "\udcff\n"])


@given(texts, st.lists(st.sampled_from(sorted(VERDICTS)), max_size=5))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, text: str, verdicts: list[str]) -> None:
    """Every record comes back as it was, whatever text is in it, and the footer counts them all."""
    cases = [case(f"a/b[{i}]", verdict, message=text, got=[text]) for i, verdict in enumerate(verdicts)]
    found = read_journal(written(tmp_path / "j.jsonl", *cases))
    assert found.complete
    assert found.engine == "acme"
    assert found.header == {"record": "header", "schema": SCHEMA, **HEADER, "selected": len(cases)}
    assert list(found.cases) == [{"record": "case", **record} for record in cases]
    assert found.footer is not None
    assert found.footer["counts"] == {verdict: verdicts.count(verdict) for verdict in verdicts}
    assert found.footer["seconds"] == 1.5


def test_every_record_survives_a_kill(tmp_path: Path) -> None:
    """A record can be read as soon as it was written, before the journal is closed."""
    writer = JournalWriter(tmp_path / "deep" / "er" / "j.jsonl", HEADER)
    writer.case(case())
    found = read_journal(writer.path)
    assert (len(found.cases), found.complete) == (1, False)
    writer.close()


def test_a_journal_cut_anywhere_is_incomplete(tmp_path: Path) -> None:
    """Wherever a kill cuts a journal off, the whole records before are read, and it is incomplete."""
    whole = written(tmp_path / "whole.jsonl", case("a/1"), case("a/2", "fail")).read_bytes()
    lines = whole.splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    for length in range(len(lines[0]), len(whole) - 1):
        cut.write_bytes(whole[:length])
        found = read_journal(cut)
        assert not found.complete
        ends = [len(b"".join(lines[: i + 2])) - 1 for i in range(2)]  # a record needs no line break after it
        assert len(found.cases) == sum(end <= length for end in ends)


def test_without_a_whole_header_it_is_no_journal(tmp_path: Path) -> None:
    """A file that ends within its header is refused."""
    header = written(tmp_path / "j.jsonl", footer=False).read_bytes().rstrip()
    for length in range(len(header)):
        (tmp_path / "cut.jsonl").write_bytes(header[:length])
        with pytest.raises(JournalError):
            read_journal(tmp_path / "cut.jsonl")


def test_a_footer_that_counts_otherwise_is_not_believed() -> None:
    """A journal that lost or won records since its footer was written is incomplete."""
    assert Journal(HEADER, (case(),), {"counts": {"pass": 1}}).complete
    assert not Journal(HEADER, (), {"counts": {"pass": 1}}).complete
    assert not Journal(HEADER, (case(), case()), {"counts": {"pass": 1}}).complete
    assert not Journal(HEADER, (case(verdict="fail"),), {"counts": {"pass": 1}}).complete
    assert not Journal(HEADER, (), None).complete


def test_a_case_that_is_missing_or_there_twice_makes_a_journal_incomplete() -> None:
    """Every case that was selected has one record: fewer, more, or one of them twice is an incomplete run."""
    two = {**HEADER, "selected": 2}
    both = (case("a/b[float64]"), case("a/b[float32]"))
    assert Journal(two, both, {"counts": {"pass": 2}}).complete
    assert not Journal(two, both[:1], {"counts": {"pass": 1}}).complete
    assert not Journal(HEADER, both, {"counts": {"pass": 2}}).complete
    assert not Journal(two, (both[0], both[0]), {"counts": {"pass": 2}}).complete


def test_records_after_the_footer_make_it_incomplete(tmp_path: Path) -> None:
    """A footer ends a journal; what follows it was not counted."""
    path = written(tmp_path / "j.jsonl", case())
    path.write_text(path.read_text() + json.dumps({"record": "case", **case()}) + "\n")
    assert not read_journal(path).complete


GOOD: Final = json.dumps({"record": "header", "schema": SCHEMA, **HEADER})
RECORD: Final = {"record": "case", **case()}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([""], "line 1: not JSON"),
        (["<html>"], "line 1: not JSON"),
        ([GOOD, "oops", GOOD], "line 2: not JSON"),
        (["[1]"], "line 1: not a record"),
        ([GOOD, "3", GOOD], "line 2: not a record"),
        ([json.dumps(RECORD)], f"not a journal of schema {SCHEMA}"),
        ([json.dumps({**json.loads(GOOD), "schema": 99})], f"not a journal of schema {SCHEMA}"),
        ([json.dumps({"record": "header", "schema": SCHEMA})], "line 1: the header lacks suite, engine"),
        ([GOOD, json.dumps({"record": "verse"})], "line 2: unknown kind of record 'verse'"),
        ([GOOD, json.dumps({"record": ["case"]})], "line 2: unknown kind of record"),
        ([GOOD, json.dumps({"record": "case", "case": "a/b"})], "line 2: the case lacks clause, verdict"),
        ([GOOD, json.dumps({**RECORD, "verdict": "great"})], "line 2: unknown verdict 'great'"),
        ([GOOD, json.dumps({**RECORD, "verdict": ["pass"]})], "line 2: the case lacks verdict"),
        ([GOOD, json.dumps({"record": "footer"})], "line 2: the footer lacks counts"),
    ],
    ids=range(14),
)
def test_what_is_no_journal_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    """A wrong line ends in one sentence with the file and the line's number."""
    path = tmp_path / "wrong.jsonl"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(JournalError, match=said) as refusal:
        read_journal(path)
    assert str(path) in str(refusal.value)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    """A missing file, a folder, an empty file and bytes that are no text are refused in one sentence."""
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    for name in ("missing.jsonl", ".", "bytes.jsonl", "empty.jsonl"):
        with pytest.raises(JournalError):
            read_journal(tmp_path / name)


def test_an_unwritable_journal_is_a_usage_error(tmp_path: Path) -> None:
    """A path that cannot be written is the user's to correct."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "j.jsonl"):
        with pytest.raises(UsageError, match="cannot write"):
            JournalWriter(path, HEADER)
