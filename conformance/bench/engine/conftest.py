"""What times an engine, in the engine's process: `conformance_agent`, which the harness put there, holds the engine.

The harness sends a job (an adapter, and the programs to time) and reads messages from a pipe, a JSON object a line:

    {"ready": "2.13.0"}                                          the engine's version
    {"refused": "..."}                                           the engine did not load
    {"workload": "dot", "size": 100, "state": "measured", ...}   how one program ended
"""

import json
import os

import pytest
from conformance_agent.interpreter import Interpreter
from conformance_agent.lifetime import end_with_parent
from conformance_agent.text import clipped
from conformance_counters import counted


def pytest_addoption(parser):
    parser.addoption("--job", help="the file of the job")
    parser.addoption("--messages", type=int, help="the file descriptor that messages are written to")


def pytest_configure(config):
    end_with_parent()
    with open(config.getoption("--job"), encoding="utf-8") as text:
        config.job = json.load(text)
    try:
        config.interpreter = Interpreter(config.job["adapter"])
        config.job["version"] = config.interpreter.version()
    except Exception as reason:
        tell(config, {"refused": "%s: %s" % (type(reason).__name__, clipped(reason))})
        pytest.exit("the engine did not load", returncode=pytest.ExitCode.USAGE_ERROR)
    tell(config, {"ready": config.job["version"]})


def pytest_generate_tests(metafunc):
    asked = metafunc.config.job["asked"]
    metafunc.parametrize("asked", asked, ids=["%(workload)s-%(size)d" % one for one in asked])


@pytest.fixture
def facts(request, asked):
    """What is timed, and by whom."""
    job = request.config.job
    own = {key: asked[key] for key in ("workload", "size", "elements")}
    return dict(own, engine=job["adapter"]["name"], version=job["version"], dtype=asked["program"]["dtype"])


@pytest.fixture
def report(request, facts):
    """Tells the harness how a program ended."""
    return lambda **ending: tell(request.config, dict(facts, **ending))


@pytest.fixture
def costs(request):
    """What a call costs that no clock says; an engine that cannot count it says why."""
    config = request.config

    def counts(run, arguments):
        try:
            return {"counts": counted(config.job["adapter"]["module"], config.interpreter.prelude, run, arguments)}
        except Exception as reason:
            return {"uncounted": "%s: %s" % (type(reason).__name__, clipped(reason))}

    return counts


def tell(config, message):
    os.write(config.getoption("--messages"), (json.dumps(message) + "\n").encode("ascii"))
