"""Time engines on the documents' workloads: a table, and a JSON for each engine."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.bench import SIZES
from conformance.commands import bench_compare
from conformance.commands.options import engines, environment, interpreter, seconds, sizes
from conformance.console import complain, say
from conformance.errors import EngineError, UsageError
from conformance.verdict import worst

if TYPE_CHECKING:
    from conformance.adapter import Adapter


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Exit codes: 0 measured (what is declined or too slow is shown as such), 1 a workload ended in an error, 2 usage or "
        "no pytest-benchmark, 4 an engine did not load or its process was lost, 5 nothing was measured, 6 interrupted. "
        "Times are medians on this machine as it is; compare ratios. Charts: report JOURNAL... --bench DIR --html F."
    )
    command.add_argument(
        "--suite",
        action="store_true",
        help="time the suite instead: random programs a second from drawing to verdict, harness and agent on one processor",
    )
    command.add_argument(
        "--engine", action="append", metavar="E[,key=value]", help="as in run. Default: every built-in engine installed"
    )
    environment(command)
    command.add_argument(
        "--select", action="append", default=[], metavar="GLOB", help="only workloads that match; repeatable"
    )
    command.add_argument(
        "--sizes",
        type=sizes,
        default=SIZES,
        metavar="N,...",
        help=f"elements of an input (default: {','.join(map(str, SIZES))})",
    )
    command.add_argument(
        "--seconds",
        type=seconds,
        default=0.5,
        metavar="S",
        help="about how long each workload is timed at each size: 3 to 500 rounds; or each clause (default: 0.5)",
    )
    command.add_argument(
        "--out", type=Path, default=Path("out/bench"), metavar="DIR", help="where the JSON goes (default: out/bench)"
    )
    added = command.add_subparsers(
        title="or, with options of its own behind it", metavar="compare BASE HEAD", action=_Alone
    )
    text = (bench_compare.__doc__ or "").strip()
    bench_compare.configure(added.add_parser("compare", help=text[0].lower() + text[1:-1], description=text))


class _Alone(argparse._SubParsersAction):  # type: ignore[type-arg]
    """`compare`: it knows nothing of what stands before it, so an option there is a mistake."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        # What was not given is the very object of the default; argparse knows it by that, too.
        given = [name for name, value in vars(namespace).items() if value is not parser.get_default(name)]
        if given:
            parser.error(f"--{' and --'.join(given)} before compare: its options stand behind it")
        super().__call__(parser, namespace, values, option_string)


def execute(options: argparse.Namespace) -> int:
    """Times engines, or the suite itself; what was measured before Ctrl-C is kept and shown."""
    return _of_suite(options) if options.suite else _of_engines(options)


def _of_suite(options: argparse.Namespace) -> int:
    from conformance.adapter import resolve
    from conformance.bench import suite

    if options.select or options.sizes != SIZES:
        raise UsageError("--suite times random programs: it takes no --select and no --sizes")
    for spec in engines(options):
        for found in suite.measured(resolve(spec), interpreter(options.python), options.timeout, options.seconds):
            say(found.line())
    return 0


def _of_engines(options: argparse.Namespace) -> int:
    from conformance.bench import children, results
    from conformance.bench.workloads import selected

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plan = children.Plan(
        workloads=selected(options.select),
        sizes=options.sizes,
        seconds=options.seconds,
        timeout=options.timeout,
    )
    python, codes, paths = interpreter(options.python), [], []
    for adapter in _adapters(options):  # one after the other: a second one at work would be in the first one's times
        paths.append(options.out / f"{adapter.name}.json")
        try:
            children.measure(adapter, python, plan, paths[-1], _told)
        except KeyboardInterrupt:
            complain(f"interrupted in {adapter.name}; what was measured is in {options.out}")
            codes.append(6)
            break
        except EngineError as reason:
            complain(reason)
            codes.append(reason.exit_code)
    found = results.read([path for path in paths if path.exists()])
    if found.measurements:
        say(found.table())
    return worst([*codes, found.exit_code])


def _adapters(options: argparse.Namespace) -> list[Adapter]:
    """The engines to time; raises UsageError for one that was named and cannot be timed, or whose file is another's."""
    from conformance.adapter import resolve
    from conformance.bench.children import refuse_others

    adapters = [resolve(spec) for spec in engines(options)]
    if options.engine:
        refuse_others(adapters)
    if len({adapter.name for adapter in adapters}) < len(adapters):
        raise UsageError("two engines have one name and would write one file; time them one by one, with another --out")
    if others := [adapter.name for adapter in adapters if adapter.command]:
        print(f"not timed, an agent of another language: {', '.join(others)}", file=sys.stderr)
    return [adapter for adapter in adapters if not adapter.command]


def _told(message: Mapping[str, Any]) -> None:
    """One line for each workload and size, as it ends."""
    from conformance.bench.results import duration
    from reports.text import one_line

    median = message.get("median")
    ended = duration(median) if median is not None else f"{message['state']}: {message['reason']}"
    line = f"{message['engine']}  {message['workload']} {message['size']}  {ended}"
    print(one_line(line), file=sys.stderr, flush=True)
