"""The levels of what is asked, and the dialects: what a clause and a line of the catalogue are sorted by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LEVELS: Final[Mapping[str, str]] = {
    "law": "mathematics: every engine must agree",
    "contract": "a verb that the engine offers does what it says; breaking it silently gives wrong numbers or state",
    "convention": "an admissible set; what was observed within it is recorded",
    "dialect": "one library's names, texts and habits; judged only for engines that declare the dialect",
}
DIALECTS: Final = ("torch", "variable")
