"""Gradients as values: the core that every engine has, and the functional gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq

from conformance.model.forward import Value
from conformance.model.protocol import Refusal
from conformance.model.state import State
from conformance.operators.rules import array_of
from conformance.tensor.recorder import Recorder, SpecificationError
from conformance.tensor.tensor import Tensor, bound


def gradients(root: Tensor, inputs: Sequence[Tensor], cotangent: Tensor | None = None) -> list[Tensor]:
    """The core: the gradients of `root` by whatever means the engine has. Laws use it; leaves must be fresh."""
    recorder = root._recorder
    if any(tensor.state.grad is not None for tensor in inputs):
        raise SpecificationError("gradients() wants fresh leaves: an engine may answer it by backward")
    states = recorder.twin.grad(
        root.state,
        [t.state for t in inputs],
        cotangent.state if cotangent else None,
        recorder.states,
        allow_unused=False,
    )
    return _bound_gradients(
        "gradients", recorder, root, inputs, states, cotangent=cotangent.name if cotangent else None
    )


def grad(
    root: Tensor,
    inputs: Sequence[Tensor],
    cotangent: Tensor | None = None,
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> list[Tensor]:
    """The functional gradient: returns gradients and touches nobody's `.grad`."""
    recorder = root._recorder
    options = {"retain_graph": retain_graph, "create_graph": create_graph, "allow_unused": allow_unused}
    given, tolerated = cotangent.name if cotangent else None, allow_unused or "unused_input" in recorder.tolerated
    try:
        states = recorder.twin.grad(
            root.state,
            [t.state for t in inputs],
            cotangent.state if cotangent else None,
            recorder.states,
            **{**options, "allow_unused": tolerated},
        )
    except Refusal as refusal:
        if (
            refusal.kind == "needs_grad" and refusal.kind in recorder.tolerated
        ):  # done right, a constant's gradients are zeros
            zeros = [State(Value(array_of(t.value * fmpq(0)))) for t in inputs]
            return _bound_gradients("grad", recorder, root, inputs, zeros, cotangent=given, **options)
        outs = [recorder.name("g") for _ in inputs]
        recorder.add("grad", outs, (root.name, *(t.name for t in inputs)), cotangent=given, **options)
        raise
    return _bound_gradients("grad", recorder, root, inputs, states, cotangent=given, **options)


def _bound_gradients(
    verb: str, recorder: Recorder, root: Tensor, inputs: Sequence[Tensor], states: Sequence[State], **options: Any
) -> list[Tensor]:
    results = [bound(recorder, "g", state) for state in states]
    recorder.add(verb, [r.name for r in results], (root.name, *(t.name for t in inputs)), **options)
    return results
