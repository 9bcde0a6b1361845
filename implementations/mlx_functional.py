"""MLX: functions of lazy arrays are transformed; float64 is the CPU's alone."""

from conformance.adapter import Adapter
from implementations.shapes.array_functions import numpy_named
from implementations.shapes.spellings import table

ADAPTER = Adapter(
    name="mlx",
    module="mlx",
    prelude="import mlx.core as mx\nimport mlx.nn as nn\nmx.set_default_device(mx.cpu)",
    version="mx.__version__",
    shape="functional",
    spellings=table(
        numpy_named("mx"),
        {
            "leaf": "mx.array({value}, dtype={dtype})",
            "constant": "mx.array({value}, dtype={dtype})",
            "dot": "mx.inner({a}, {b})",
            "sigmoid": "mx.sigmoid({a})",
            "relu": "nn.relu({a})",
            "gather": "mx.take_along_axis({a}, mx.array({index}), {axis})",
            "index.list": "{a}[mx.array({index})]",
            "pad": "mx.pad({a}, [(0, 0)] * ({a}.ndim - 1) + [{widths}])",
            "flip": None,
            "detach": "mx.stop_gradient({a})",
            "gradient": "mx.grad(lambda inputs: {f}(*inputs))([{inputs}])",  # of a list, as a list
            "vjp": "mx.vjp({f}, [{inputs}], [{cotangent}])[1]",
            "finish": "mx.eval({a})",
        },
    ),
    dtypes={"float64": "mx.float64", "float32": "mx.float32"},
    refusals=(("shape_mismatch", "ValueError", "does not match cotangent shape"),),
)
