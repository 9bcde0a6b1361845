"""TensorFlow: a persistent GradientTape around the program; variables are watched by themselves."""

from conformance.adapter import Adapter
from implementations.shapes.array_functions import OPERATORS
from implementations.shapes.spellings import table
from implementations.shapes.tape import TAPE

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
            "dot": "tf.tensordot({a}, {b}, 1)",
            "abs": "tf.abs({a})",
            "exp": "tf.exp({a})",
            "log": "tf.math.log({a})",
            "sqrt": "tf.sqrt({a})",
            "sin": "tf.sin({a})",
            "tanh": "tf.tanh({a})",
            "relu": "tf.nn.relu({a})",
            "sum": "tf.reduce_sum({a})",
            "sum_axis": "tf.reduce_sum({a}, {axis})",
            "mean": "tf.reduce_mean({a})",
            "max": "tf.reduce_max({a})",
            "norm": "tf.norm({a})",
            "reshape": "tf.reshape({a}, {shape})",
            "transpose": "tf.transpose({a})",
            "detach": "tf.stop_gradient({a})",
            "value": "tf.convert_to_tensor({a}).numpy().tolist()",
            "shape": "{a}.shape",
            "dtype": "{a}.dtype.name",
        },
    ),
    dtypes={"float64": "tf.float64", "float32": "tf.float32"},
    refusals=(
        ("shape_mismatch", "InvalidArgumentError", "Incompatible shapes|Input to reshape"),
        ("unsupported", "ValueError", "Tape is not recording"),  # stop_recording does not nest
    ),
)
