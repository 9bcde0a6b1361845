"""What a call costs that no clock says: nodes recorded, values saved, kernels run. The same on every machine, at any load.

An engine that is not in the table counts nothing, unless its adapter's prelude binds `counting`: a function that returns a
context manager over a mapping, name -> count, which is complete when the block ends.
"""

from contextlib import contextmanager
from dataclasses import replace


def counted(module, prelude, run, arguments):
    """The counts of one call."""
    counting = prelude.get("counting") or COUNTERS.get(module)
    if counting is None:
        return {}
    with counting() as counts:
        run(*arguments)
    return {str(name): int(count) for name, count in counts.items()}


@contextmanager
def of_kernels():
    from implementations.kernels import graph

    counts = {"nodes": 0, "saved values": 0, "kernel calls": 0}

    def counting(name, function):
        def called(*positional, **named):
            counts[name] += 1
            return function(*positional, **named)

        return called

    init, save, rows = graph.Node.__init__, graph.save, dict(graph.KERNELS)
    graph.Node.__init__, graph.save = counting("nodes", init), counting("saved values", save)
    graph.KERNELS.update(
        (name, replace(row, forward=counting("kernel calls", row.forward))) for name, row in rows.items()
    )
    try:
        yield counts
    finally:
        graph.Node.__init__, graph.save = init, save
        graph.KERNELS.update(rows)


@contextmanager
def of_reference():
    from implementations.reference import core

    counts, init = {"nodes": 0, "saved values": 0}, core.Node.__init__

    def made(self, edges, params, saved):
        counts["nodes"] += 1
        counts["saved values"] += len(saved)
        init(self, edges, params, saved)

    core.Node.__init__ = made
    try:
        yield counts
    finally:
        core.Node.__init__ = init


@contextmanager
def of_torch():
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    counts = {"nodes": 0, "saved values": 0, "kernel calls": 0}

    class Calls(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            counts["kernel calls"] += 1
            return function(*args, **(kwargs or {}))

    def saved(tensor):
        counts["saved values"] += 1
        return tensor

    # torch numbers its nodes as they are made. It has no public word for the number.
    number = torch._C._autograd._get_sequence_nr
    before = number()
    with Calls(), torch.autograd.graph.saved_tensors_hooks(saved, lambda tensor: tensor):
        yield counts
    counts["nodes"] = number() - before


COUNTERS = {"implementations.kernels": of_kernels, "implementations.reference": of_reference, "torch": of_torch}
