"""TensorFlow: a persistent GradientTape around the program; variables are watched by themselves."""

from conformance.adapter import Adapter
from implementations.shapes.array_functions import OPERATORS
from implementations.shapes.spellings import table
from implementations.shapes.tape import TAPE

UNARY = "abs exp log log1p sqrt square reciprocal sin cos atan sinh cosh tanh sigmoid"
BINARY = {"maximum": "maximum", "minimum": "minimum", "eq": "equal", "gt": "greater"}
REDUCED = {"sum": "reduce_sum", "mean": "reduce_mean", "prod": "reduce_prod", "max": "reduce_max"}
REDUCTIONS = {**REDUCED, "norm": "norm", "var": "math.reduce_variance"}

ADAPTER = Adapter(
    name="tensorflow",
    module="tensorflow",
    prelude="import tensorflow as tf",
    version="tf.__version__",
    around="tf.GradientTape(persistent=True) as tape",
    spellings=table(
        OPERATORS,
        TAPE,
        {
            "leaf": "tf.Variable({value}, dtype={dtype})",
            "constant": "tf.constant({value}, dtype={dtype})",
            "index.list": "tf.gather({a}, {index})",
            "mm": "tf.matmul({a}, {b})",
            "mv": "tf.linalg.matvec({a}, {b})",
            "dot": "tf.tensordot({a}, {b}, 1)",
            "outer": "tf.tensordot({a}, {b}, 0)",
            "matmul": "tf.experimental.numpy.matmul({a}, {b})",
            "relu": "tf.nn.relu({a})",
            "clamp": "tf.clip_by_value({a}, {low}, {high})",
            "where": "tf.where({a}, {b}, {c})",
            "cumsum": "tf.cumsum({a}, {axis})",
            "reshape": "tf.reshape({a}, {shape})",
            "transpose": "tf.transpose({a})",
            "permute": "tf.transpose({a}, {axes})",
            "squeeze": "tf.squeeze({a}, {axis})",
            "unsqueeze": "tf.expand_dims({a}, {axis})",
            "expand": "tf.broadcast_to({a}, {shape})",
            "gather": "tf.experimental.numpy.take_along_axis({a}, {index}, {axis})",
            "concat": "tf.concat([{a}, {b}], {axis})",
            "stack": "tf.stack([{a}, {b}], {axis})",
            "pad": "tf.pad({a}, [[0, 0]] * ({a}.shape.rank - 1) + [{widths}])",
            "flip": "tf.reverse({a}, [{axis}])",
            "roll": "tf.roll({a}, {shift}, {axis})",
            "detach": "tf.stop_gradient({a})",
            "value": "tf.convert_to_tensor({a}).numpy().tolist()",
            "shape": "{a}.shape",
            "dtype": "{a}.dtype.name",
        },
        {name: f"tf.math.{name}({{a}})" for name in UNARY.split()},
        {name: f"tf.math.{each}({{a}}, {{b}})" for name, each in BINARY.items()},
        {name: f"tf.{each}({{a}})" for name, each in REDUCTIONS.items()},
        {f"{name}_axis": f"tf.{each}({{a}}, axis={{axis}}, keepdims={{keepdim}})" for name, each in REDUCTIONS.items()},
    ),
    dtypes={"float64": "tf.float64", "float32": "tf.float32"},
    refusals=(
        ("shape_mismatch", "InvalidArgumentError", "Incompatible shapes|Input to reshape"),
        ("unsupported", "ValueError", r"Tape is not recording|Attempt to convert a value \(None\)"),
        ("unsupported", "InvalidArgumentError", "is not between 0 and"),  # negative axes in a derivative
    ),
)
