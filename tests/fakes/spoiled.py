"""The agent for Python, spoiled in the way that its argument names: each is caught by one check of `agent check`."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from conformance.agent import __main__ as agent

right, load = agent._send, agent._load
agent.end_with_parent = lambda: None
MODE = sys.argv.pop(1)
asked: dict[str, Any] = {}
seen: list[object] = []
# What a program has that should have been declined.
DECLINED = {"declines an unknown verb": "no_such_verb", "declines an unknown operator": "apply"}


def values(reply: dict[str, Any]) -> list[Any]:
    return [observation for _, observation in reply["observations"] if "values" in observation]


def spoil(reply: dict[str, Any]) -> None:
    """Makes a right reply wrong."""
    verbs = [it["verb"] for it in asked["program"]["instructions"]]
    if MODE == "computes":
        values(reply)[-1]["values"] = ["1", "1"] if "gradients" in verbs else values(reply)[-1]["values"]
    elif MODE == "reads and writes":
        for array in values(reply):
            array["values"] = [f"{float(text):g}" for text in array["values"]]
    elif MODE == "writes inf":
        for array in values(reply):
            array["values"] = [text.replace("-0.0", "0.0") for text in array["values"]]
    elif MODE == "keeps shapes":
        for array in values(reply):
            array["shape"] = array["shape"] or [1]
    elif MODE in DECLINED and DECLINED[MODE] in verbs:
        reply["declined"] = []
    elif MODE == "reports a refusal" and "attempt" in verbs:
        reply["observations"][0][1] = {"outcome": "accepted"}
    elif MODE == "declines attempts" and "attempt" in verbs:
        reply.update(declined=["attempt"], observations=[], failure=None)
    elif MODE == "reports a failure" and reply["failure"] and len(verbs) == 4:
        os._exit(1)
    elif MODE == "forgets names" and verbs[0] == "apply":
        reply.update(failure=None, observations=[[1, {"shape": [1], "values": ["2"]}]])
    elif MODE == "answers twice" and "gradients" in verbs:
        seen.append(reply)
        values(reply)[0]["note"] = str(len(seen) // 4)
    elif MODE == "takes long lines":
        for array in values(reply):
            array["values"] = array["values"][:1000]


def send(channel: Any, message: dict[str, Any]) -> None:
    if "ready" in message and MODE == "greets":
        message["ready"].pop("version")
    if "at" in message and MODE == "announces" and message["at"] == 2:
        return
    if "ran" in message:
        spoil(message)
    right(channel, message)


def answer(interpreter: Any, request: dict[str, Any], channel: Any) -> None:
    asked.clear()
    asked.update(request)
    if MODE == "an endless line":
        channel.write("1" * 5_000_000)
    original(interpreter, request, channel)


original = agent._answer
agent._send, agent._answer = send, answer

if __name__ == "__main__":
    agent.main()
    if MODE == "ends":
        time.sleep(1000)
