"""Expectations: committed reasons why a verdict may differ from pass.

One TOML file an engine. A cause has a reason, a link or a script that shows it without our code, `prints` (the script's
last line of output), and the cases that it explains, each with the verdict it has and the witness that decides it.
Expectations are enforced in both directions: a case that passes although a failure is expected ends the run as surely
as a failure that nobody expected.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.errors import UsageError
from conformance.program import Program
from conformance.verdict import VERDICTS

BUILTIN: Final = Path(__file__).resolve().parent.parent / "implementations" / "expectations"


@dataclass(frozen=True)
class Expectation:
    """Why one case may have `verdict`; `witness` is the program that decides it."""

    case: str
    verdict: str
    reason: str
    link: str
    script: str
    witness: Program | None

    def to_json(self) -> dict[str, Any]:
        """What a record says of it."""
        return {"verdict": self.verdict, "reason": self.reason, "link": self.link, "script": self.script}


def load(engine: str, folder: Path = BUILTIN) -> dict[str, Expectation]:
    """The expectations of `engine` by case id; none when it has no file. Raises UsageError when the file is wrong."""
    path = folder / f"{engine}.toml"
    if not path.exists():
        return {}
    try:
        causes = tomllib.loads(path.read_text(encoding="utf-8")).get("cause", [])
        expectations = [_expectation(path, cause, case) for cause in causes for case in cause["case"]]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as reason:
        raise UsageError(f"the expectations {path} cannot be read: {type(reason).__name__} {reason}") from None
    return {expectation.case: expectation for expectation in expectations}


def _expectation(path: Path, cause: Mapping[str, Any], case: Mapping[str, Any]) -> Expectation:
    link, script = cause.get("link", ""), cause.get("script", "")
    if not (link or script) or not cause["reason"] or case["verdict"] not in VERDICTS:
        raise ValueError(f"{case['id']}: a reason, a known verdict, and a link or a script are needed")
    witness = Program.from_json(json.loads(case["witness"])) if "witness" in case else None
    return Expectation(case["id"], case["verdict"], cause["reason"], link, script, witness)
