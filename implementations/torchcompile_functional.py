"""torch.compile: a function is captured, and its derivative is compiled beside it, for each shape anew."""

from dataclasses import replace

from implementations import torchfunc_functional
from implementations.shapes.spellings import TORCH_REFUSALS, table

# The back end "aot_eager" captures both graphs and runs them by torch's own kernels. What was compiled is kept with a code
# object and calls names among the first function's: functions that share their code need codes of their own.
PRELUDE = """
import types
import torch
import torch._dynamo  # or else the first program loads it
import torch._functorch.config

torch._functorch.config.donated_buffer = False  # what a backward frees in advance, create_graph would need

def compiled(f):
    own = types.FunctionType(f.__code__.replace(), f.__globals__, f.__name__, f.__defaults__, f.__closure__)
    return torch.compile(own, backend="aot_eager")
"""
OWN = {
    "leaf": "torch.tensor({value}, dtype={dtype}, requires_grad=True)",
    "gradient": "torch.autograd.grad(compiled({f})({inputs}), [{inputs}], create_graph=True)",
    "vjp": "torch.autograd.grad(compiled({f})({inputs}), [{inputs}], {cotangent}, create_graph=True)",
}

ADAPTER = replace(
    torchfunc_functional.ADAPTER,
    name="torchcompile",
    prelude=PRELUDE.strip(),
    spellings=table(torchfunc_functional.ADAPTER.spellings, OWN),
    refusals=(*TORCH_REFUSALS, ("unsupported", "RuntimeError", "does not currently support double backward")),
    compiles=True,
    by_name=True,
)
