"""Makes `pytest conformance/clauses --engine E` work in a checkout: the plugin collects clauses as cases."""

pytest_plugins = ("conformance.plugin",)
