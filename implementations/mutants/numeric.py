"""Mutants of the numbers: kernels that compute a little less than they should, or something else at a few places.

Most are what an author may do on purpose: a number added against a division by zero, a cheaper formula, a shorter dtype, a loop
over groups of four with a separate ending.
"""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, kernels

NUMERIC: Final[tuple[Mutant, ...]] = (
    # --- a shorter dtype on the way
    kernels(
        "exp_vjp_is_single",
        "the derivative of exp is computed in float32",
        """
        row("exp", vjps=(lambda k, g, y: through(k, "float32", g * y),))
        """,
        operator="exp",
    ),
    kernels(
        "exp_vjp_is_half",
        "the derivative of exp is computed in float16",
        """
        row("exp", vjps=(lambda k, g, y: through(k, "float16", g * y),))
        """,
        operator="exp",
    ),
    kernels(
        "sums_are_single",
        "a sum is accumulated in float32",
        """
        row("sum", forward=lambda a, axis, keepdim=False: a.astype("float32").sum(axis, keepdims=keepdim).astype(a.dtype))
        """,
        operator="sum",
    ),
    kernels(
        "matrix_products_are_single",
        "a product of matrices is accumulated in float32",
        """
        row("mm", forward=lambda a, b: np.matmul(a.astype("float32"), b.astype("float32")).astype(a.dtype))
        """,
        operator="mm",
    ),
    kernels(
        "singles_are_brief",
        "exp of float32 has the digits of float16",
        """
        row("exp", forward=lambda a: np.exp(a) if a.dtype == "float64" else np.exp(a).astype("float16").astype("float32"))
        """,
        operator="exp",
    ),
    kernels(
        "cumulative_sums_are_single",
        "a cumulative sum is accumulated in float32",
        """
        row("cumsum", forward=lambda a, axis, right=KERNELS["cumsum"].forward: right(a.astype("float32"), axis).astype(a.dtype))
        """,
        operator="cumsum",
    ),
    # --- something small that was added, or is missing
    kernels(
        "log_plus_epsilon",
        "log has 1e-8 added to its operand",
        """
        row("log", forward=lambda a: np.log(a + 1e-8), vjps=(lambda k, g, a: g / (a + 1e-8),))
        """,
        operator="log",
    ),
    kernels(
        "log_is_off_by_a_millionth",
        "log is 1 + 1e-6 times what it should be",
        """
        row("log", forward=lambda a: np.log(a) * (1 + 1e-6))
        """,
        operator="log",
    ),
    kernels(
        "sqrt_is_off_by_a_millionth",
        "sqrt has 1e-6 added to its result",
        """
        row("sqrt", forward=lambda a: np.sqrt(a) + 1e-6)
        """,
        operator="sqrt",
    ),
    kernels(
        "sin_vjp_is_off_by_a_billionth",
        "the derivative of sin is 1 + 1e-9 times cos",
        """
        row("sin", vjps=(lambda k, g, a: g * k("cos", a) * (1 + 1e-9),))
        """,
        operator="sin",
    ),
    kernels(
        "mean_divides_by_a_little_more",
        "a mean is divided by its count plus 1e-7",
        """
        row("mean", forward=lambda a, axis, keepdim=False, right=KERNELS["mean"].forward: right(a, axis, keepdim) / (1 + 1e-7))
        """,
        operator="mean",
    ),
    kernels(
        "norm_plus_epsilon",
        "a norm is the root of the sum of squares plus 1e-12",
        """
        row("norm", forward=lambda a, axis, keepdim=False: np.sqrt(np.sum(a * a, axis=axis, keepdims=keepdim) + 1e-12))
        """,
        operator="norm",
    ),
    kernels(
        "sigmoid_vjp_is_never_zero",
        "the derivative of sigmoid is at least 1e-3",
        """
        def vjp(k, g, y):
            slope = y * (1 - y)
            return g * k("keep", slope, chosen=raw(slope) > 1e-3) + k("keep", g * 1e-3, chosen=raw(slope) <= 1e-3)
        row("sigmoid", vjps=(vjp,))
        """,
        operator="sigmoid",
    ),
    # --- a cheaper formula
    kernels(
        "tanh_is_rational",
        "tanh is a quotient of two polynomials",
        """
        row("tanh", forward=lambda a: np.clip(a * (27 + a * a) / (27 + 9 * a * a), -1, 1))
        """,
        operator="tanh",
    ),
    kernels(
        "cos_is_a_polynomial",
        "cos is the first seven terms of its series",
        """
        row("cos", forward=lambda a: 1 - a**2 / 2 * (1 - a**2 / 12 * (1 - a**2 / 30 * (1 - a**2 / 56 * (1 - a**2 / 90)))))
        """,
        operator="cos",
    ),
    kernels(
        "quotients_take_a_quick_reciprocal",
        "a quotient is a product with a reciprocal that float32 computed, after one step of Newton's",
        """
        def quotient(a, b):
            r = (1 / b.astype("float32")).astype("float16").astype(b.dtype)
            return a * (r * (2 - b * r))
        row("div", forward=quotient)
        """,
        operator="div",
    ),
    kernels(
        "log1p_is_log_of_a_sum",
        "log1p(x) is computed as log(1 + x), which has lost the digits of a small x",
        'row("log1p", forward=lambda a: np.log(1 + a))',
        operator="log1p",
    ),
    kernels(
        "sinh_is_a_difference",
        "sinh(x) is computed as half of exp(x) - exp(-x), of which little is left at a small x",
        'row("sinh", forward=lambda a: (np.exp(a) - np.exp(-a)) / 2)',
        operator="sinh",
    ),
    kernels(
        "variance_in_one_pass",
        "a variance is the mean of squares less the square of the mean",
        """
        def variance(a, axis, correction, keepdim=False):
            n = np.ones_like(a).sum(axis, keepdims=keepdim)
            squares, total = (a * a).sum(axis, keepdims=keepdim), a.sum(axis, keepdims=keepdim)
            return (squares - total * total / n) / np.maximum(n - correction, 0)
        row("var", forward=variance)
        """,
        operator="var",
    ),
    kernels(
        "powers_are_exponentials",
        "x**n is computed as exp(n log |x|)",
        'row("pow", forward=lambda a, n: np.exp(n * np.log(np.abs(a))) if n else np.ones_like(a))',
        operator="pow",
    ),
    kernels(
        "products_are_divided",
        "the product of the others is the product of all divided by each, which is NaN at 0",
        """
        row("others", forward=lambda a: np.prod(a, -1, keepdims=True) / a)
        """,
        operator="prod",
    ),
    # --- sizes
    kernels(
        "tails_keep_the_first_operand",
        "a product of more than four elements leaves those after the last four as the first factor has them",
        """
        def product(a, b):
            result = np.array(a * b)
            tail = result.size > 4 and result.size % 4
            if tail:
                result.flat[-tail:] = np.broadcast_to(a, result.shape).flat[-tail:]
            return result
        row("mul", forward=product)
        """,
        operator="mul",
    ),
    kernels(
        "tails_are_single",
        "of more than four elements exp computes those after the last four in float32",
        """
        def exponential(a):
            result = np.array(np.exp(a))
            tail = result.size > 4 and result.size % 4
            if tail:
                result.flat[-tail:] = result.flat[-tail:].astype("float32")
            return result
        row("exp", forward=exponential)
        """,
        operator="exp",
    ),
    kernels(
        "tails_are_not_summed",
        "a sum over more than eight elements leaves out those after the last eight",
        """
        def total(a, axis, keepdim=False):
            flat = a.ravel() if len(axis) == a.ndim else a
            if flat is a or a.size <= 8:
                return np.sum(a, axis=axis, keepdims=keepdim)
            return flat[: a.size // 8 * 8].sum().reshape((1,) * a.ndim if keepdim else ())
        row("sum", forward=total)
        """,
        operator="sum",
    ),
    kernels(
        "large_products_are_single",
        "the elements of a product have the digits of float32 when there are more than twelve",
        """
        def product(a, b):
            result = a * b
            return result.astype("float32").astype(result.dtype) if result.size > 12 else result
        row("mul", forward=product)
        """,
        operator="mul",
    ),
    kernels(
        "large_sines_are_not_reduced",
        "sin of arrays of more than six elements is a polynomial that is good below 1 in magnitude",
        """
        def sine(a):
            return a * (1 - a**2 / 6 * (1 - a**2 / 20 * (1 - a**2 / 42 * (1 - a**2 / 72)))) if a.size > 6 else np.sin(a)
        row("sin", forward=sine)
        """,
        operator="sin",
    ),
    # --- the structure of a derivative
    kernels(
        "differences_have_the_wrong_sign",
        "the second operand of a difference receives the cotangent with its sign",
        'row("sub", vjps=KERNELS["add"].vjps)',
        operator="sub",
    ),
    kernels(
        "squares_miss_their_factor",
        "the derivative of x**2 is x",
        'row("square", vjps=(lambda k, g, a: g * a,))',
        operator="square",
    ),
    kernels(
        "parts_overwrite_one_another",
        "of the parts that a node's operands receive only the last one counts",
        """
        class Forgetful(dict):
            __contains__ = lambda self, node: False
        def pull(node, cotangent, visited, pending, right=sweep.pull):
            parts = Forgetful()
            right(node, cotangent, visited, parts)
            for place, part in parts.items():
                pending[place] = pending[place] + part if place in pending else part
        sweep.pull = pull
        """,
    ),
    kernels(
        "broadcasting_is_averaged",
        "a gradient is averaged, not summed, over what broadcasting repeated",
        """
        def reduce_to(site, part, port, right=sweep.reduce_to):
            fitted = right(site, part, port)
            return fitted / max(1, raw(part).size // max(1, raw(fitted).size))
        sweep.reduce_to = reduce_to
        """,
    ),
    kernels(
        "clamped_elements_receive",
        "clamp passes the cotangent on outside its bounds too",
        'row("clamp", vjps=(lambda k, g, a, low, high: g,))',
        operator="clamp",
    ),
    kernels(
        "cumulative_sums_go_one_way",
        "the derivative of a cumulative sum runs the way of the sum",
        'row("cumsum", vjps=(lambda k, g, axis: k("cumsum", g, axis=axis),))',
        operator="cumsum",
    ),
    kernels(
        "derivatives_of_variances_are_corrected",
        "the derivative of a variance is divided by the count less one, whatever the correction is",
        """
        right = KERNELS["var"].vjps[0]
        row("var", vjps=(lambda k, g, a, axis, correction, keepdim=False: right(k, g, a, axis, 1, keepdim),))
        """,
        operator="var",
    ),
    kernels(
        "square_products_forget_to_transpose",
        "the left of two square matrices receives g @ b",
        """
        left, other = KERNELS["mm"].vjps
        def vjp(k, g, b):
            return k("mm", g, b) if raw(b).shape[-1] == raw(b).shape[-2] else left(k, g, b)
        row("mm", vjps=(vjp, other))
        """,
        operator="mm",
    ),
    kernels(
        "derivatives_of_exp_are_constants",
        "a recorded backward treats what exp saved as a constant",
        'row("exp", vjps=(lambda k, g, y: g * raw(y),))',
        operator="exp",
    ),
    # --- ties and kinks
    kernels(
        "ties_multiply",
        "elements that tie for the maximum receive the cotangent times their number",
        """
        def shared(k, g, a, y, axis, keepdim=False):
            shape = [1 if i in axis else n for i, n in enumerate(raw(a).shape)]
            g, y = k("reshape", g, shape=shape), raw(y).reshape(shape)
            ties = raw(a) == y
            return k("keep", g * ties.sum(axis, keepdims=True).astype(raw(g).dtype), chosen=ties)
        row("max", vjps=(shared,))
        """,
        operator="max",
    ),
    kernels(
        "relu_has_slope_two_at_zero",
        "at 0 relu passes the cotangent on twice",
        """
        def vjp(k, g, a):
            return k("keep", g, chosen=raw(a) >= 0) + k("keep", g, chosen=raw(a) == 0)
        row("relu", saves=("a",), vjps=(vjp,))
        """,
        operator="relu",
    ),
    kernels(
        "relu_is_zero_from_a_hundredth",
        "relu passes the cotangent on from 1e-2 only",
        'row("relu", vjps=(lambda k, g, y: k("keep", g, chosen=raw(y) > 1e-2),))',
        operator="relu",
    ),
    kernels(
        "small_numbers_are_flushed",
        "products below 1e-6 in magnitude are 0",
        'row("mul", forward=lambda a, b: np.where(np.abs(a * b) < 1e-6, 0, a * b))',
        operator="mul",
    ),
)
