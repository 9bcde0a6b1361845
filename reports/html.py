"""The answer as one page that stands alone: no request leaves it, and it needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from conformance.bench.results import Results
from conformance.enclosure import OUTCOMES
from conformance.journal import Journal
from conformance.verdict import VERDICTS
from reports import charts, numbers, programs, view
from reports.catalogue import catalogue
from reports.conventions import conventions
from reports.summary import Run, runs
from reports.text import counted, visible

_TEMPLATES: Final = Path(__file__).parent / "templates"


def render(journals: Sequence[Journal], timed: Results | None = None) -> str:
    """The page of `journals`, and of what `bench` measured: engines' texts are escaped, and the page encodes to UTF-8."""
    found = view.ordered(runs(journals))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=view.title(found),
            engines=[view.engine(run) for run in found],
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


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(counted=counted, words=view.words)
    return environment


def _shown(value: object) -> object:
    """What a template expression shows, before it is escaped; the template's own markup is left alone."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _distinct(found: Sequence[Run], key: str) -> list[str]:
    values = (run.journal.header[key] for run in found)
    return list(dict.fromkeys(_suite(value) if isinstance(value, dict) else str(value) for value in values))


def _suite(suite: dict[str, object]) -> str:
    return f"{suite.get('version', '')} ({str(suite.get('digest', ''))[:12]})"
