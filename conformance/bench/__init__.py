"""How long engines take: the documents' workloads, timed by pytest-benchmark in each engine's own process.

`workloads` says what is timed, `engine/` is what an engine's process loads, `children` starts these processes, `results` reads
what they wrote. Times are no verdicts: no gate reads them.
"""
