"""How long engines take: the documents' workloads, timed by pytest-benchmark in each engine's own process.

`workloads` says what is timed, `engine/` is what an engine's process loads, `children` starts these processes, `results` reads
what they wrote. These times are no verdicts: no gate reads them. `compare` starts processes of two sides in turn, and `decision`
says whether one of them is slower.
"""

from typing import Final

SIZES: Final = (1, 100, 10_000, 1_000_000)  # elements of an input, unless others are asked for
