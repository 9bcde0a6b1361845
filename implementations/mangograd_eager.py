"""mangograd: NumPy arrays in tensors of float64, all of which gradients flow to; gradients are arrays, zeros at first."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import BACKWARD, METHODS, table

OFFERED = "scalar add sub mul div neg exp log sqrt relu sum mean max"
ADAPTER = Adapter(
    name="mangograd",
    module="mangograd",
    prelude="import numpy as np\nfrom mangograd import Tensor",
    version="__import__('importlib.metadata').metadata.version('mangograd')",
    spellings=table(
        {key: METHODS[key] for key in OFFERED.split()},
        {key: BACKWARD[key] for key in ("grad_of", "backward", "same")},
        {f"{name}_axis": f"{{a}}.{name}(axis={{axis}}, keepdims={{keepdim}})" for name in ("mean", "max", "var")},
        {
            "leaf": "Tensor({value})",
            "constant": "Tensor({value})",
            "value": "{a}.data.tolist()",
            "shape": "{a}.data.shape",
            "grad_value": "{a}.tolist()",
            "var": "{a}.var()",
            "mm": "{a} @ {b}",
            "clear.zero": "{a}.grad.fill(0.0)",
        },
    ),
    dtypes={"float64": "float"},
    refusals=(("unsupported", "TypeError", "unsupported operand type"),),
)
