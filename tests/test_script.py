"""What a printed script holds of an adapter's prelude."""

from __future__ import annotations

import pytest

from conformance.script import needed

_USED = """\
import numpy as np
import torch._dynamo  # or else the first program loads it

torch._dynamo.limit = 1

def each(function, array):
    return np.frompyfunc(function, 1, 1)(array)

@torch.compile
def registered(x):
    return x

y = each(abs, 1)
print(y)
"""


def test_what_a_script_uses_stays() -> None:
    """Names are used by what is kept, not by the program alone; a remark, a statement and a decorated function stay."""
    assert needed(_USED, "numpy") == _USED


@pytest.mark.parametrize(
    "unused",
    [
        "import math\n",
        "import os.path as path\n",
        "from math import sin, cos\n",
        "def zero(value):\n    value.grad = 0\n\n",
        "def outer(x):\n    return inner(x)\n\ndef inner(x):\n    return outer(x)\n\n",
    ],
)
def test_what_it_does_not_use_goes(unused: str) -> None:
    """Imports and functions that only the prelude's other users need."""
    assert needed(unused + _USED, "numpy") == _USED


@pytest.mark.parametrize(
    "text", ["const x = 1;\n", "", "from math import sin, cos\nprint(sin(0))\n", "import engine as e\n"]
)
def test_what_it_leaves_alone(text: str) -> None:
    """What is no Python, what is nothing, an import of which one name is used, and that of the engine."""
    assert needed(text, "engine") == text
