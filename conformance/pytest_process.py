"""The environment of a pytest process of ours."""

from __future__ import annotations

import os

from conformance.agent.lifetime import parentage


def environment() -> dict[str, str]:
    """Ours, but for what is said to the user's pytest: no option, no plugin, and no worker of xdist's is meant for this one."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**own, **parentage(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
