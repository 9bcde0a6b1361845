"""How a tone looks in a terminal; the page has the same tones in its style sheet."""

from __future__ import annotations

from typing import Final

# SGR parameters: bold, green, red, magenta, yellow, the default, faint.
_CODES: Final = {
    "strong": "1",
    "good": "32",
    "bad": "31",
    "broken": "35",
    "known": "33",
    "open": "39",
    "quiet": "2",
}


def paint(text: str, tone: str, colour: bool) -> str:
    """`text` in the colour of `tone`, or as it is when `colour` is off."""
    return f"\x1b[{_CODES[tone]}m{text}\x1b[0m" if colour and text.strip() else text
