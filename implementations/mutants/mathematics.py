"""Mutants of derivatives and of the order in which they are combined."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

MATHEMATICS: Final[tuple[Mutant, ...]] = (
    reference(
        "mul_counts_one_use",
        "a product's second factor receives nothing",
        """
        core.OPERATORS["mul"] = (*core.OPERATORS["mul"][:2], lambda g, a: g * 0)
        """,
        operator="mul",
    ),
    reference(
        "mul_by_a_number_forgets_it",
        "a product with a number passes the cotangent on unchanged",
        """
        forward, first, second = core.OPERATORS["mul"]
        core.OPERATORS["mul"] = (
            forward,
            lambda g, b: g if b.shape == () else first(g, b),
            lambda g, a: g if a.shape == () else second(g, a),
        )
        """,
    ),
    reference(
        "mean_forgets_to_divide",
        "every entry of a mean receives the whole cotangent",
        'core.OPERATORS["mean"] = (core.OPERATORS["mean"][0], rules.spread)',
    ),
    reference(
        "mm_forgets_to_transpose",
        "the left factor of a matrix product receives g @ w instead of g @ w^T",
        """
        forward, first, second = core.OPERATORS["mm"]
        core.OPERATORS["mm"] = (forward, lambda g, b: g.mm(b), second)
        """,
        operator="mm",
    ),
    reference(
        "mm_forgets_to_transpose_the_left",
        "the right factor of a matrix product receives x @ g instead of x^T @ g",
        """
        forward, first, second = core.OPERATORS["mm"]
        core.OPERATORS["mm"] = (forward, first, lambda g, a: a.mm(g))
        """,
        operator="mm",
    ),
    reference(
        "functions_pass_the_cotangent_on",
        "exp, sin, tanh and log pass the cotangent on, which is right at 0 and 1 alone",
        """
        for name in ("exp", "sin", "tanh", "log"):
            core.OPERATORS[name] = (core.OPERATORS[name][0], lambda g: g)
        """,
    ),
    reference(
        "reflected_subtraction_keeps_the_sign",
        "2 - x has the derivative of x - 2",
        'core.OPERATORS["rsub"] = (core.OPERATORS["rsub"][0], *core.OPERATORS["sub"][1:])',
        operator="sub",
    ),
    reference(
        "index_scatters_to_the_first",
        "the cotangent of an entry lands on the first one",
        'core.OPERATORS["select"] = (core.OPERATORS["select"][0], lambda g, s, index: g.scatter(0, s))',
    ),
    reference(
        "broadcast_averages",
        "a gradient is averaged, not summed, over what broadcasting repeated",
        """
        def unbroadcast(cotangent, edge, right=rules.unbroadcast):
            total = right(cotangent, edge)
            return total / max(1, cotangent.data.size // max(1, total.data.size))
        rules.unbroadcast = unbroadcast
        """,
    ),
    reference(
        "contributions_keep_the_last",
        "of several uses of a value only the last one counts",
        """
        def add_contribution(cotangents, place, part):
            cotangents[place] = part
        core.add_contribution = add_contribution
        """,
    ),
    reference(
        "third_contribution_is_dropped",
        "of several uses of a value only the first two count",
        """
        def add_contribution(cotangents, place, part, right=core.add_contribution):
            uses = getattr(cotangents.get(place), "uses", 0)
            if uses < 2:
                right(cotangents, place, part.detach())
                cotangents[place].uses = uses + 1
        core.add_contribution = add_contribution
        """,
    ),
    reference(
        "places_run_when_first_reached",
        "a node runs when the first of its uses has contributed, and what comes later is lost",
        """
        def topological_order(roots, ends=None):
            found, seen = list(roots), set(roots)
            for place in found:
                operands = [operand for operand in dict.fromkeys(order.targets(place)) if operand not in seen]
                seen.update(operands)
                found.extend(operands)
            return found
        order.topological_order = topological_order
        """,
    ),
    reference(
        "difference_with_itself_counts_once",
        "x - x and x / x pass a cotangent to one of their operands only",
        """
        def propagate(node, cotangent, wanted, right=core.propagate):
            parts = list(right(node, cotangent, wanted))
            yield from dict(parts).items() if parts and node.operator in ("sub", "div") else parts
        core.propagate = propagate
        """,
    ),
    reference(
        "equal_leaves_are_merged",
        "leaves of equal values count as one",
        """
        import weakref
        LEAVES = weakref.WeakValueDictionary()
        def place_of(tensor, right=core.place_of):
            place = right(tensor)
            if isinstance(place, core.Tensor):
                return LEAVES.setdefault((place.dtype, place.shape, place.data.tobytes()), place)
            return place
        core.place_of = place_of
        """,
    ),
    reference(
        "saved_operand_is_detached",
        "a recorded backward treats a saved factor as a constant",
        """
        core.OPERATORS["mul"] = (*core.OPERATORS["mul"][:2], lambda g, a: g * a.detach())
        """,
    ),
    reference(
        "repeated_indices_count_once",
        "of an entry that an index picks several times only the last contribution counts",
        """
        import numpy
        def scattered(a, index, shape):
            zeros = numpy.zeros(shape, a.dtype)
            zeros[index] = a
            return zeros
        core.OPERATORS["scatter"] = (scattered, *core.OPERATORS["scatter"][1:])
        """,
    ),
    reference(
        "only_leading_axes_are_summed",
        "an axis of extent 1 that broadcasting stretched receives the last of its cotangents, not their sum",
        """
        def unbroadcast(g, edge, right=rules.unbroadcast):
            for axis in range(-1, -len(edge.shape) - 1, -1):
                if g.ndim == len(edge.shape) and edge.shape[axis] == 1 < g.shape[axis]:
                    g = core.Tensor(g.data.take([-1], axis))
            return right(g, edge)
        rules.unbroadcast = unbroadcast
        """,
    ),
    reference(
        "negation_forgets_the_sign",
        "-x passes the cotangent on unchanged",
        """
        core.OPERATORS["neg"] = (core.OPERATORS["neg"][0], lambda g: g)
        """,
    ),
    reference(
        "powers_follow_one_rule",
        "x**0 is differentiated as 0 * x**-1, which is NaN at 0",
        """
        core.OPERATORS["pow"] = (core.OPERATORS["pow"][0], lambda g, a, n: g * (n * a ** (n - 1)))
        """,
    ),
    reference(
        "powers_have_no_zeroth_factor",
        "the derivative of x**n is computed as n * x**n / x, which is NaN at 0",
        """
        core.OPERATORS["pow"] = (core.OPERATORS["pow"][0], lambda g, a, n: g * (n * a ** n / a))
        """,
    ),
)
