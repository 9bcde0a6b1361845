"""bitgrad: micrograd's shape, with tanh among its functions, no division, and other words for what it cannot do."""

from dataclasses import replace

from implementations import micrograd_scalar

_BASE = micrograd_scalar.ADAPTER
_OWN = {"tanh": "each(Value.tanh, {a})"}
_LACKS = ("div", "relu")

ADAPTER = replace(
    _BASE,
    name="bitgrad",
    module="bitgrad",
    prelude=_BASE.prelude.replace("micrograd.engine", "bitgrad.engine"),
    version=_BASE.version.replace("micrograd", "bitgrad"),
    spellings={**{key: text for key, text in _BASE.spellings.items() if key not in _LACKS}, **_OWN},
    refusals=(
        *_BASE.refusals,
        ("unsupported", "TypeError", "unsupported operand type"),  # of a number's product with a Value
    ),
)
