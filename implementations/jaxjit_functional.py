"""JAX under jit: what is differentiated has been compiled, for each shape anew."""

from dataclasses import replace

from implementations import jax_functional
from implementations.shapes.spellings import table

JITTED = {
    "gradient": "jax.grad(jax.jit({f}), argnums={positions})({inputs})",
    "vjp": "jax.vjp(jax.jit({f}), {inputs})[1]({cotangent})",
}

ADAPTER = replace(
    jax_functional.ADAPTER,
    name="jaxjit",
    spellings=table(jax_functional.ADAPTER.spellings, JITTED),
    by_name=True,
)
