"""Engines that record on a tape around the program: nothing is differentiated unless a tape watches."""

from __future__ import annotations

from typing import Final

# The adapter's `around` binds the tape as `tape`. An empty option is one that a persistent tape always takes: it may be
# asked again, it records what it is asked, and it answers None for what the root does not depend on.
TAPE: Final = {
    "grad": "tape.gradient({root}, [{inputs}]{options})",
    "grad.retain_graph": "",
    "grad.create_graph": "",
    "grad.allow_unused": "",
    "grad.cotangent": "output_gradients={cotangent}",
    "no_grad": "tape.stop_recording()",
}
