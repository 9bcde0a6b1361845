"""What a record says went wrong, in the words that every report shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.gate import Settled
from reports.summary import Run

# How the judge ends a sentence that says no more than expected and got do, after what it is about.
_GENERIC: Final = " is not what the specification says"
# What is expected of an engine whose process was lost; what it "got" is then the last line that the process printed.
_ANSWER: Final = "an answer"
_SILENT: Final = frozenset({"", "it printed nothing"})


@dataclass(frozen=True)
class Comparison:
    """What was expected, why, and what was got instead; `why` is empty when it would only repeat `expected`."""

    expected: str
    why: str
    got: str
    method: str

    @property
    def wanted(self) -> str:
        """What was expected, and in brackets why: `[4. 8.]  (twice the gradient)`."""
        return f"{self.expected}  ({self.why})" if self.why else self.expected


def comparison(item: Settled) -> Comparison | None:
    """The two values of a case that differ; None when there was nothing to compare, as after a crash."""
    expected, why = _text(item, "expected"), _text(item, "why")
    if expected in ("", _ANSWER):
        return None
    return Comparison(expected, "" if expected in why else why, _text(item, "got") or "nothing", _text(item, "method"))


def explanation(run: Run, item: Settled) -> list[str]:
    """The clause's sentence, and what happened when a comparison does not say it."""
    compared, message = comparison(item), _text(item, "message")
    texts = [
        str(run.clause(item).get("sentence") or ""),
        "" if compared else _text(item, "why"),
        "" if compared and message.endswith(_GENERIC) else message,
        _last_words(item),
    ]
    return list(dict.fromkeys(text for text in texts if text))


def gist(item: Settled) -> str:
    """A case in one sentence: `x.grad: expected [4. 8.], got [2. 4.]`, or its message."""
    compared, message = comparison(item), _text(item, "message")
    if not compared or item.verdict == "pass":
        return message
    subject = message.removesuffix(_GENERIC)
    return f"{subject}: expected {compared.expected}, got {compared.got}"


def contradiction(item: Settled) -> str | None:
    """What to say of a case that has an expectation and did not keep to it, else None."""
    if not item.expected or not item.surprise:
        return None
    return f"{item.expected['verdict']} was expected: {item.expected['reason']}; update the expectation"


@dataclass(frozen=True)
class Origin:
    """Where a failure of random programs comes from: `program 17 of seed 7`, and the clause that its smallest witness breaks."""

    program: str
    clause: str

    @property
    def sentence(self) -> str:
        """Both, as far as they are known: `program 17 of seed 7 breaks hooks/order`."""
        return " ".join(part for part in (self.program, f"breaks {self.clause}" if self.clause else "") if part)


def origin(run: Run, item: Settled) -> Origin:
    """The origin of a failure; empty where the case asks no random program."""
    index = item.record.get("index")
    program = "" if index is None else f"program {index} of seed {run.journal.header['seed']}"
    return Origin(program, _text(item, "attributed"))


def _last_words(item: Settled) -> str:
    words = _text(item, "got")
    lost = _text(item, "expected") == _ANSWER and words not in _SILENT and words not in _text(item, "message")
    return f"the last line that it printed: {words}" if lost else ""


def _text(item: Settled, name: str) -> str:
    return str(item.record.get(name) or "")
