"""What clauses are written with: tensors that record a program while the model says what must be seen.

A clause reads like a user's code (`y = x * x`, `y.sum().backward()`, `with no_grad():`). Nothing here runs an engine:
each line appends an instruction to the program and moves the model. Control flow reads the model's values, so that no
engine can steer a program.
"""

from conformance.tensor.blocks import attempting, catching, enable_grad, grad_enabled, interrupt, no_grad, refuses
from conformance.tensor.derivatives import grad, gradients
from conformance.tensor.expecting import expect, expect_matches, expect_one_of, expect_within
from conformance.tensor.native import drop, fewer_nodes, in_thread, native, native_value, same, warned
from conformance.tensor.recorder import Recorder, SpecificationError, recorded_dtype, recording
from conformance.tensor.tensor import Gradient, Handle, Tensor, apply, repeated, tensor, variable

__all__ = [
    "Gradient",
    "Handle",
    "Recorder",
    "SpecificationError",
    "Tensor",
    "apply",
    "attempting",
    "catching",
    "drop",
    "enable_grad",
    "expect",
    "expect_matches",
    "expect_one_of",
    "expect_within",
    "fewer_nodes",
    "grad",
    "grad_enabled",
    "gradients",
    "in_thread",
    "interrupt",
    "native",
    "native_value",
    "no_grad",
    "recorded_dtype",
    "recording",
    "refuses",
    "repeated",
    "same",
    "tensor",
    "variable",
    "warned",
]
