"""Shards become one journal again, or one sentence says why not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.journal import Journal, read_journal
from tests.example_journals import case, journal

CASES = [
    case("accumulation/each_backward_adds"),
    case("hooks/order"),
    case("vjp/one", "declined"),
    case("vjp/two", dtype="float32"),
]


def shard(index: int, count: int, cases: list[dict[str, Any]], **header: Any) -> Journal:
    return journal(cases, shard=f"{index}/{count}", select=[], **header)


def ended(it: Journal, **facts: Any) -> Journal:
    """The journal with more in its footer."""
    return Journal(it.header, it.cases, {**(it.footer or {}), **facts})


def written(path: Path, it: Journal) -> Path:
    records = [it.header, *it.cases, *([it.footer] if it.footer else [])]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture
def halves(tmp_path: Path) -> list[Path]:
    """A run in two shards, on two days and two machines; the second took twice as long."""
    one = shard(1, 2, CASES[::2], platform="Linux", started="2026-02-12T09:30:00+00:00")
    two = shard(2, 2, CASES[1::2], platform="macOS", started="2026-02-11T09:30:00+00:00")
    return [
        written(
            tmp_path / "a.jsonl",
            ended(one, seconds=10.0, programs=5, examined=8.0, shares={"engine": 0.25, "model": 0.75}),
        ),
        written(tmp_path / "b.jsonl", ended(two, seconds=20.5, programs=7, examined=16.0, shares={"engine": 1.0})),
    ]


def test_the_shards_of_a_run_are_the_whole(halves: list[Path], tmp_path: Path) -> None:
    """In whatever order they are given: every case once, counts and times summed, shares weighted, the journal complete."""
    assert main(["merge", str(halves[1]), str(halves[0]), "--out", str(tmp_path / "whole.jsonl")]) == 0
    whole = read_journal(tmp_path / "whole.jsonl")
    assert whole.complete
    assert sorted(record["case"] for record in whole.cases) == sorted(record["case"] for record in CASES)
    facts = {key: whole.header[key] for key in ("shard", "selected", "started", "platform")}
    assert facts == {
        "shard": "1/1",
        "selected": 4,
        "started": "2026-02-11T09:30:00+00:00",
        "platform": "Linux, macOS",
    }
    assert whole.footer == {
        "record": "footer",
        "counts": {"pass": 3, "declined": 1},
        "seconds": 30.5,
        "programs": 12,
        "examined": 24.0,
        "shares": {"engine": 0.75, "model": 0.25},
    }


def test_no_shards_command_is_that_of_the_whole(halves: list[Path], tmp_path: Path) -> None:
    """It would make a part again, and a report would show it as what made all."""
    assert "command" in read_journal(halves[0]).header
    main(["merge", *map(str, halves), "--out", str(tmp_path / "whole.jsonl")])
    assert "command" not in read_journal(tmp_path / "whole.jsonl").header


def test_shards_of_a_real_run_are_what_one_run_records(tmp_path: Path) -> None:
    """The same cases, verdicts and witnesses, clauses in the same order, times apart; and a merged failure is still a failure."""
    engine = ["--engine", "reference,mutant=accumulate_overwrites", "--select", "accumulation/*", "--jobs", "1"]
    for index in (1, 2, 3):
        main(["run", *engine, "--shard", f"{index}/3", "--out", str(tmp_path / str(index))])
    main(["run", *engine, "--out", str(tmp_path / "one")])
    shards = [str(tmp_path / str(index) / "reference.jsonl") for index in (1, 2, 3)]
    assert main(["merge", *shards, "--out", str(tmp_path / "merged.jsonl")]) == 1
    merged, one = read_journal(tmp_path / "merged.jsonl"), read_journal(tmp_path / "one" / "reference.jsonl")
    assert [_timeless(record) for record in _sorted(merged)] == [_timeless(record) for record in _sorted(one)]
    assert list(merged.header["clauses"]) == list(one.header["clauses"])


def _sorted(it: Journal) -> list[Mapping[str, Any]]:
    return sorted(it.cases, key=lambda record: str(record["case"]))


def _timeless(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if "seconds" not in key and key != "saved"}


Spoil = Callable[[list[Path], Path], list[Path]]


def _second(shard_of: tuple[int, int] = (2, 2), cases: list[dict[str, Any]] = CASES[1::2], **changes: Any) -> Spoil:
    def spoil(halves: list[Path], folder: Path) -> list[Path]:
        return [halves[0], written(folder / "c.jsonl", shard(*shard_of, cases, **changes))]

    return spoil


def _linked(halves: list[Path], folder: Path) -> list[Path]:
    (folder / "link.jsonl").symlink_to(halves[0])
    return [*halves, folder / "link.jsonl"]


REFUSED: dict[str, tuple[Spoil, str]] = {
    "a missing shard": (lambda halves, _: halves[:1], "shard 2 of 2 is missing"),
    "the same file twice": (lambda halves, _: [*halves, halves[0]], "given twice"),
    "the same file by another name": (_linked, "given twice"),
    "the same shard twice": (_second(shard_of=(1, 2)), "are the same shard, 1/2"),
    "an incomplete one": (_second(complete=False), "is incomplete"),
    "another engine": (_second(name="other"), "the engine of"),
    "another version of it": (_second(version="0.4"), "the engine of"),
    "another suite": (_second(suite={"version": "0.1.0", "digest": "another"}), "the suite of"),
    "another profile": (_second(profile="deep"), "the profile of"),
    "another seed": (_second(seed=8), "the seed of"),
    "another number of shards": (_second(shard_of=(2, 3)), "2, 3 shards"),
    "a case in two shards": (_second(cases=CASES[:2]), "is in two shards"),
    "no journal": (lambda halves, folder: [halves[0], folder], "cannot read the journal"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_set_of_shards_is_refused(
    what: str, halves: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2 and one sentence; nothing is written."""
    spoil, sentence = REFUSED[what]
    paths = spoil(halves, tmp_path)
    assert main(["merge", *map(str, paths), "--out", str(tmp_path / "whole.jsonl")]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "whole.jsonl").exists()


def test_another_selection_is_refused(halves: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A shard of some chapters and one of all are no run."""
    it = shard(2, 2, CASES[1::2])
    other = written(tmp_path / "c.jsonl", Journal({**it.header, "select": ["hooks/*"]}, it.cases, it.footer))
    assert main(["merge", str(halves[0]), str(other), "--out", str(tmp_path / "whole.jsonl")]) == 2
    assert "the selection of" in capsys.readouterr().err


@pytest.mark.parametrize(
    "spelling", [Path.absolute, lambda path: Path(os.path.relpath(path))], ids=["absolute", "relative"]
)
def test_the_whole_does_not_overwrite_a_shard(
    spelling: Callable[[Path], Path],
    halves: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However the two are spelled; what the shard says stays."""
    monkeypatch.chdir(halves[0].parent)
    before = halves[0].read_bytes()
    for given in (halves, [Path(half.name) for half in halves]):
        assert main(["merge", *map(str, given), "--out", str(spelling(halves[0]))]) == 2
        assert "is one of the shards" in capsys.readouterr().err
    assert halves[0].read_bytes() == before
