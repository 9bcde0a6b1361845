"""The answer as a badge: the JSON that an endpoint badge of shields.io reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from conformance.journal import Journal
from reports.summary import runs
from reports.text import counted

_COLOURS: Final = {
    "good": "brightgreen",
    "known": "yellow",
    "bad": "red",
    "broken": "red",
    "open": "lightgrey",
    "quiet": "lightgrey",
}
_URGENCY: Final = ("broken", "bad", "open", "quiet", "known", "good")


def render(journals: Sequence[Journal]) -> str:
    """The badge of `journals`: counts, never a percentage. Of several engines it is the sum, coloured as the worst of them."""
    found = runs(journals)
    passed = sum(run.tally.verdicts["pass"] for run in found)
    declined = sum(run.tally.verdicts["declined"] for run in found)
    failed, total = sum(run.tally.failed for run in found), sum(run.tally.total for run in found)
    tone = next((tone for tone in _URGENCY if any(run.tone == tone for run in found)), "quiet")
    subject = "autograd conformance" if len(found) == 1 else f"autograd conformance of {counted(len(found), 'engine')}"
    message = f"{passed} passed, {failed} failed, {declined} declined of {total}"
    if tone == "open":
        message += " (incomplete)"
    badge = {"schemaVersion": 1, "label": subject, "message": message, "color": _COLOURS[tone]}
    return json.dumps({**badge, "isError": tone in ("bad", "broken")}, indent=1) + "\n"
