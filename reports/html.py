"""The answer as one page that stands alone: no request leaves it, and it needs no script, though one searches it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from conformance.bench.results import Results
from conformance.enclosure import OUTCOMES
from conformance.journal import Journal
from conformance.levels import LEVELS
from conformance.verdict import VERDICTS
from reports import charts, numbers, programs, view
from reports.account import accounts
from reports.catalogue import catalogue
from reports.conventions import conventions
from reports.scores import scores
from reports.summary import Run, chapters, runs
from reports.text import counted, visible

_TEMPLATES: Final = Path(__file__).parent / "templates"
_CODE: Final = _TEMPLATES / "page.js"


def render(journals: Sequence[Journal], timed: Results | None = None) -> str:
    """The page of `journals`, and of what `bench` measured: engines' texts are escaped, and the page encodes to UTF-8."""
    found = view.ordered(runs(journals))
    code = _CODE.read_text(encoding="utf-8")
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            title=view.title(found),
            headline=view.headline(found),
            code=Markup(code),
            script_hash=f"sha256-{b64encode(sha256(code.encode()).digest()).decode()}",
            engines=[view.engine(run) for run in found],
            scores=scores(found, chapters(found)),
            accounts=accounts(found),
            sought=_sought(found),
            chapters=catalogue(found),
            failures=view.failures(found),
            conventions=conventions(found),
            awaited=view.awaited(found),
            suites=_distinct(found, "suite"),
            profiles=_distinct(found, "profile"),
            dates=sorted({str(run.journal.header["started"])[:10] for run in found}),
            verdicts=list(VERDICTS.values()),
            enclosed=[(run.label, sums) for run in found if (sums := numbers.of_run(run)).total],
            enclosed_by_clause=numbers.by_clause(found),
            outcomes=OUTCOMES,
            generated=[(run.label, made) for run in found if (made := programs.generated(run))],
            programs=programs,
            timed=charts.charts(timed) if timed else None,
            size=charts,
        )
    )


def environment() -> Environment:
    """How templates are read: everything is escaped, and what an engine said is made visible."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(counted=counted, words=view.words)
    return made


def _shown(value: object) -> object:
    """What a template expression shows, before it is escaped; the template's own markup is left alone."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _sought(found: Sequence[Run]) -> dict[str, list[str]]:
    """What the search can be narrowed to: of each kind the values that occur, in their order elsewhere."""
    clauses = [run.clause(item) for run in found for item in run.settled]
    return {
        "engine": sorted((run.label for run in found), key=str.casefold),
        "verdict": _ordered(VERDICTS, (item.verdict for run in found for item in run.settled)),
        "level": _ordered(LEVELS, map(view.level, clauses)),
        "chapter": chapters(found),
    }


def _ordered(known: Iterable[str], occurring: Iterable[str]) -> list[str]:
    present = set(occurring)
    return [*(name for name in known if name in present), *sorted(present - set(known))]


def _distinct(found: Sequence[Run], key: str) -> list[str]:
    values = (run.journal.header[key] for run in found)
    return list(dict.fromkeys(_suite(value) if isinstance(value, dict) else str(value) for value in values))


def _suite(suite: dict[str, object]) -> str:
    return f"{suite.get('version', '')} ({str(suite.get('digest', ''))[:12]})"
