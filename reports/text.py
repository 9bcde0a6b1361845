"""Text that engines made, made safe to show: control characters become visible, only web addresses links."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

# C0 and C1 but tab and newline; marks that reorder a line; line separators; what XML 1.0 or UTF-8 lack.
_UNSAFE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:)\]]")
_SCHEMES: Final = frozenset({"http", "https"})


def visible(text: str) -> str:
    r"""`text` with each character that a terminal would obey or cannot hold as an escape (`\x1b`)."""
    return _UNSAFE.sub(_escape, text)


def one_line(text: str) -> str:
    r"""`visible` text on one line: a newline is shown as `\n`, a tab as a space."""
    return visible(text).replace("\n", "\\n").replace("\t", " ")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def web_address(text: str) -> str | None:
    """`text` when it is an absolute http or https address that a page may link to, else None."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    linkable = parts.scheme in _SCHEMES and parts.netloc and one_line(text) == text
    return text if linkable else None


def linked(text: str) -> list[tuple[str, str | None]]:
    """`text` cut into pieces, each with its address when the piece is one, else None."""
    pieces: list[tuple[str, str | None]] = []
    position = 0
    for match in _ADDRESS.finditer(text):
        pieces += [(text[position : match.start()], None), (match.group(), web_address(match.group()))]
        position = match.end()
    return [piece for piece in [*pieces, (text[position:], None)] if piece[0]]


def counted(count: int, noun: str, plural: str = "") -> str:
    """`count` of something: `1 case`, `2,000 cases`; `plural` where it is not the noun and an s."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {plural or f'{noun}s'}"


def joined(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def some(parts: Sequence[str], most: int) -> str:
    """The first of `parts`, at most `most` of them, and how many more there are: `a, b and 3 more`."""
    hidden = len(parts) - most
    return f"{', '.join(parts[:most])} and {hidden} more" if hidden > 0 else joined(parts)


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes: wide East Asian characters two, combining marks none."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: str, room: int) -> str:
    """`text` in at most `room` columns; what was cut is marked by an ellipsis."""
    if columns(text) <= room:
        return text
    kept = text
    while kept and columns(kept) > room - 1:
        kept = kept[:-1]
    return f"{kept}…"


def pad(text: str, room: int) -> str:
    """`text` followed by blanks up to `room` columns."""
    return text + " " * (room - columns(text))


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns, all but the first indented."""
    lines = textwrap.wrap(text, width, subsequent_indent="    ", break_on_hyphens=False)
    return [clip(line, width) for line in lines]
