"""The doctor: is it the engine, the adapter, or the installation?"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from conformance.adapter import Adapter, builtin, load, resolve
from conformance.clause import Case, specification
from conformance.errors import UsageError
from conformance.examination import examine
from conformance.execution import Engine

_PACKAGES = ("conformance", "implementations", "reports")
# Judged first: without these nothing else can be judged.
_FOUNDATIONS = ("operators/value_and_gradient[sum,", "operators/value_and_gradient[mul,")


def examined(spec: str, python: str, timeout: float) -> int:
    """Prints what the doctor sees; 0 when the engine can be judged, 1 when its foundations fail."""
    for name in _PACKAGES:
        print(f"{name.ljust(16)} {_place(name)}")
    adapter = resolve(spec)
    print(
        f"{'adapter'.ljust(16)} {adapter.name}: {adapter.shape}, {adapter.lines} lines, {len(adapter.spellings)} spellings"
    )
    with Engine(adapter, python, timeout) as engine:
        ready = engine.ready
        print(
            f"{'engine'.ljust(16)} {adapter.name} {ready['version']}, {ready['language']} {ready['runtime']}, {python}"
        )
        sound = all(_judged(case, engine) for case in _foundations(adapter))
    print(f"{'not offered'.ljust(16)} {', '.join(_missing(adapter)) or 'nothing'}")
    print("the engine can be judged" if sound else "sum and mul must work before anything else can be judged")
    return 0 if sound else 1


def _place(name: str) -> str:
    """Where a package of ours comes from; raises UsageError when something else goes by its name."""
    spec = importlib.util.find_spec(name)
    ours = Path(__file__).resolve().parent.parent / name
    found = Path(spec.origin).parent if spec and spec.origin else None
    if found != ours:
        raise UsageError(f"the package {name} comes from {found}, not from {ours}: another package goes by its name")
    return str(found)


def _foundations(adapter: Adapter) -> Iterator[Case]:
    for case in specification()["operators/value_and_gradient"].cases():
        if case.id.startswith(_FOUNDATIONS) and case.dtype in adapter.dtypes:
            yield case


def _judged(case: Case, engine: Engine) -> bool:
    record = examine(case, engine, "quick", 0, None)
    print(f"{record['verdict'].ljust(16)} {case.id}  {record['message']}")
    return bool(record["verdict"] == "pass")


def _missing(adapter: Adapter) -> list[str]:
    known = {key for name in builtin() for key in load(name).spellings}
    return sorted(known - set(adapter.spellings))
