"""JAX: functions are transformed, no tensor knows of gradients."""

from conformance.adapter import Adapter
from implementations.shapes.array_functions import numpy_named
from implementations.shapes.spellings import table

ADAPTER = Adapter(
    name="jax",
    module="jax",
    prelude="import jax\nimport jax.numpy as jnp\njax.config.update('jax_enable_x64', True)",
    version="jax.__version__",
    shape="functional",
    spellings=table(
        numpy_named("jnp"),
        {
            "leaf": "jnp.array({value}, dtype={dtype})",
            "constant": "jnp.array({value}, dtype={dtype})",
            "relu": "jax.nn.relu({a})",
            "sigmoid": "jax.nn.sigmoid({a})",
            "gather": "jnp.take_along_axis({a}, jnp.array({index}), {axis})",
            "index.list": "{a}[jnp.array({index})]",
            "detach": "jax.lax.stop_gradient({a})",
            "gradient": "jax.grad({f}, argnums={positions})({inputs})",
            "finish": "{a}.block_until_ready()",
            "vjp": "jax.vjp({f}, {inputs})[1]({cotangent})",
        },
    ),
    dtypes={"float64": "jnp.float64", "float32": "jnp.float32"},
    compiles=True,
    refusals=(
        ("not_scalar", "TypeError", "Gradient only defined for scalar-output functions"),
        ("shape_mismatch", "ValueError", "argument to VJP function|cotangent input to vjp"),
    ),
)
