"""Probing: what an unknown engine's spellings are, found by trying the rows of a table.

A candidate is a text as an adapter has it. It is put into an adapter, a tiny program is run by the agent in the engine's process,
and the model judges what is seen: no other interpreter, and no other judge, than those of a run.

What a candidate's program shows decides:

    right               it is taken, and nothing further is tried
    a wrong derivative  of a right value: the engine's fault. It is taken when nothing is right, so that the suite shows it
    a wrong value       it is taken when nothing is right and the spelling is canonical: `x.exp()` can mean nothing else, while
                        `x.var()` may be divided by n - 1, and `x == y` be Python's
    a lost process      so too
    an exception        it is not taken, unless the value was right and the engine itself refused to differentiate it

So a wrong number never hides a capability; what is left out raised whatever was tried.
"""
