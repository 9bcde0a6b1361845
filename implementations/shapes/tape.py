"""Engines that record on a tape around the program: nothing is differentiated unless a tape watches."""

from __future__ import annotations

from typing import Final

# The tape is bound as `tape` by the adapter's `around`; being persistent it may be asked again and records what it is asked.
TAPE: Final = {
    "grad": "tape.gradient({root}, [{inputs}]{options})",
    "grad.create_graph": "",
    "grad.cotangent": "output_gradients={cotangent}",
    "no_grad": "tape.stop_recording()",
}
