"""Plays protocol programs on an engine: `python -m tests.fuzz_protocol torch --kind views --start 0 --count 2000`."""

from __future__ import annotations

import argparse
import random
import time

from conformance.adapter import resolve
from conformance.execution import Engine
from conformance.generation.protocol import KINDS, generate
from conformance.generation.watching import write
from conformance.judge import Finding, judge
from conformance.script import printed


def main() -> int:
    """Prints the script of every disagreement; 1 when there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine")
    parser.add_argument("--kind", choices=KINDS, help="default: all of them in turn")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    asked = parser.parse_args()
    adapter, disagreements, started = resolve(asked.engine), 0, time.perf_counter()
    offered = adapter.offers
    with Engine(adapter) as engine:
        for seed in range(asked.start, asked.start + asked.count):
            kind = asked.kind or KINDS[seed % len(KINDS)]
            dtype = ("float64", "float32")[seed % 2]
            program = write(generate(random.Random(f"{kind}:{seed}"), dtype, kind, offered), offered)
            reply = engine.run(program)
            finding = reply if isinstance(reply, Finding) else judge(program, reply).finding
            if finding:
                disagreements += 1
                shown = program if finding.at is None else program.until(finding.at)
                print(f"--- {kind} {seed}: {finding}\n{printed(shown, adapter)}")
    rate = asked.count / (time.perf_counter() - started)
    print(f"{asked.count} programs, {rate:.0f} a second, {disagreements} disagree")
    return int(disagreements > 0)


if __name__ == "__main__":
    raise SystemExit(main())
