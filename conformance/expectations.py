"""Expectations: committed reasons why a verdict may differ from pass.

One TOML file an engine. A cause has a reason, a kind, a link or a script that shows it without our code, `prints` (the script's
last line of output), and the cases that it explains, each with the verdict it has and the witness that decides it.
Expectations are enforced in both directions: a case that passes although a failure is expected ends the run as surely
as a failure that nobody expected.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.capabilities import CAPABILITIES
from conformance.clause import specification
from conformance.errors import ConformanceError, UsageError
from conformance.program import Program

BUILTIN: Final = Path(__file__).resolve().parent.parent / "implementations" / "expectations"
# What a cause can be.
KINDS: Final[Mapping[str, str]] = {
    "fault": "the engine is wrong, by its own word or by mathematics",
    "difference": "the engine does otherwise on purpose, or as it is documented",
    "missing": "the engine lacks something, and says so when it is asked",
}
DEFAULT_KIND: Final = "fault"
# What may be expected of an engine. An error is a mistake of an adapter, never an engine's habit.
EXPECTABLE: Final = ("fail", "crash", "timeout", "unsupported", "declined")


@dataclass(frozen=True)
class Expectation:
    """Why one case may have `verdict`; `witness` is the program that decides it.

    without: the keys that random programs are drawn without, all the same, and must all pass. With none, none is drawn.
    """

    case: str
    verdict: str
    reason: str
    kind: str
    link: str
    script: str
    witness: Program | None
    without: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What a record says of it."""
        said = {
            "verdict": self.verdict,
            "reason": self.reason,
            "kind": self.kind,
            "link": self.link,
            "script": self.script,
        }
        return {**said, "without": list(self.without)}


def load(engine: str, folder: Path = BUILTIN) -> dict[str, Expectation]:
    """The expectations of `engine` by case id; none when it has no file. Raises UsageError when the file is wrong."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} with expectations")
    path = folder / f"{engine}.toml"
    if not path.exists():
        return {}
    try:
        causes = tomllib.loads(path.read_text(encoding="utf-8")).get("cause", [])
        expectations = [_expectation(cause, case) for cause in causes for case in cause["case"]]
    except (OSError, KeyError, TypeError, ValueError, ConformanceError) as reason:
        raise UsageError(f"the expectations {path} cannot be read: {reason}") from None
    known = {case.id for clause in specification().values() for case in clause.cases()}
    named = Counter(expectation.case for expectation in expectations)
    for case, count in named.items():
        if case not in known:
            raise UsageError(f"{path} expects something of {case}, which is no case of the specification; remove it")
        if count > 1:
            raise UsageError(f"{path} has {count} expectations of {case}; keep one")
    return {expectation.case: expectation for expectation in expectations}


def causes(folder: Path = BUILTIN) -> dict[str, list[Mapping[str, Any]]]:
    """The causes of every file of `folder` by engine, as they are written."""
    paths = sorted(folder.glob("*.toml"))
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["cause"] for path in paths}


def _expectation(cause: Mapping[str, Any], case: Mapping[str, Any]) -> Expectation:
    link, script, kind = cause.get("link", ""), cause.get("script", ""), cause.get("kind", DEFAULT_KIND)
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of cause; there are {', '.join(KINDS)}")
    if not (link or script) or not cause["reason"] or case["verdict"] not in EXPECTABLE:
        raise ValueError(f"{case['id']}: a reason, one of {', '.join(EXPECTABLE)}, and a link or a script are needed")
    if bool(script) != bool(cause.get("prints")):
        raise ValueError(
            f"{case['id']}: a script needs prints, the last line that it prints, and prints needs a script"
        )
    if "witness" not in case and case["verdict"] != "declined":
        raise ValueError(f"{case['id']}: a witness is needed, the program whose verdict this is")
    witness = Program.from_json(json.loads(case["witness"])) if "witness" in case else None
    return Expectation(case["id"], case["verdict"], cause["reason"], kind, link, script, witness, _without(case))


def _without(case: Mapping[str, Any]) -> tuple[str, ...]:
    """What the random programs of a case are drawn without."""
    without = tuple(case.get("without", ()))
    clause = specification().get(str(case["id"]).split("[")[0])
    if without and not ("witness" in case and clause and clause.writer):
        raise ValueError(f"{case['id']}: without is for a case of random programs with a witness")
    if unknown := [key for key in without if key not in CAPABILITIES]:
        raise ValueError(f"{case['id']}: without names {', '.join(map(repr, unknown))}, which no adapter spells")
    return without
