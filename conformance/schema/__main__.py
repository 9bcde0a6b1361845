"""Prints the schema: python -m conformance.schema > conformance/schema/agent-protocol.json."""

import json

from conformance.schema import agent_protocol

print(json.dumps(agent_protocol(), indent=1))
