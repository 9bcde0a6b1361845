"""Lowering: what a program becomes in an adapter's spellings, for engines of every shape."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from textwrap import dedent
from typing import Any, Final

import numpy as np
import pytest
from flint import fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conformance.adapter import Adapter, load
from conformance.agent.interpreter import Interpreter
from conformance.agent.lowering import Lowering, NotOffered, literal, nested, number
from conformance.agent.printing import bound, printed, script
from conformance.agent.text import LIMIT, clipped, exact, extents, flat
from conformance.judge import judge
from conformance.judge import number as read
from conformance.model.numbers import exact_array, to_json
from conformance.program import Instruction, Program, Scalar
from conformance.tensor import (
    Tensor,
    attempting,
    catching,
    enable_grad,
    expect,
    grad,
    gradients,
    in_thread,
    interrupt,
    no_grad,
    recording,
    refuses,
    repeated,
    tensor,
)

REFERENCE: Final = load("reference")

# An engine without arrays, objects or a tape: Python's numbers, and functions differentiated by central
# differences, which are exact for quadratics.
DIFFERENCES: Final = """
def derivatives(function, inputs, cotangent=1):
    def moved(position, step):
        return function(*[x + step * (i == position) for i, x in enumerate(inputs)])
    return [cotangent * (moved(i, 1) - moved(i, -1)) / 2 for i in range(len(inputs))]
"""
FUNCTIONAL: Final = Adapter(
    name="differences",
    module="math",
    prelude=DIFFERENCES,
    version="'1'",
    shape="functional",
    spellings={
        "leaf": "{value}",
        "constant": "{value}",
        "scalar": "{value}",
        "value": "{a}",
        "add": "{a} + {b}",
        "mul": "{a} * {b}",
        "sum": "{a}",
        "detach": "{a}",
        "gradient": "derivatives({f}, [{inputs}])",
        "vjp": "derivatives({f}, [{inputs}], {cotangent})",
    },
)


def program_of(write: Callable[[], None], dtype: str = "float64") -> Program:
    with recording(dtype) as recorder:
        write()
        return recorder.program()


def lowered(program: Program, adapter: Adapter) -> list[Any]:
    """The steps that a program becomes."""
    data = program.to_json()
    steps: list[Any] = Lowering(data, adapter.to_json()).whole(data["instructions"])
    return steps


def texts(program: Program, adapter: Adapter) -> list[str]:
    """The statements that a program becomes, in their order."""
    return statements(lowered(program, adapter))


def statements(steps: list[Any]) -> list[str]:
    """The statements among steps, as a script shows them."""
    return ["\n".join(printed([step], {}, "")) for step in steps if step[0] in ("do", "bind")]


def answered(program: Program, adapter: Adapter) -> Mapping[str, Any]:
    """What the agent replies, without a process around it."""
    reply: Mapping[str, Any] = Interpreter(adapter.to_json()).run(program.to_json(), None)
    return reply


def passes(program: Program, adapter: Adapter) -> None:
    judgement = judge(program, answered(program, adapter))
    assert judgement.finding is None
    assert judgement.compared == sum(it.verb == "expect" for _, it in program.walk())


# --- literals


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_exactly(value: float) -> None:
    """A rational that binary64 holds becomes a literal of the same number, and is observed as it."""
    rational = fmpq(*value.as_integer_ratio())
    assert number(str(rational)) == value
    assert read(exact(number(str(rational)))) == read(str(rational))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (exact_array(3), "3.0"),
        (exact_array([-1, fmpq(1, 2)]), "[-1.0, 0.5]"),
        (exact_array([[1, 2, 3], [4, 5, 6]]), "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]"),
        (exact_array([[[1], [2]]]), "[[[1.0], [2.0]]]"),
        (exact_array([]), "[]"),
        (exact_array([[], []]), "[[], []]"),
    ],
    ids=range(6),
)
def test_arrays_are_nested_lists(values: Any, text: str) -> None:
    """An array's literal has its shape; a lone number has none."""
    assert nested(to_json(values)) == text
    assert flat(eval(text)) == [float(read(str(x)) or 0) for x in values.flat]
    assert tuple(extents(eval(text))) == values.shape


def test_attributes() -> None:
    """Axes, shapes and indices are Python literals; a slice leaves out what is open."""
    written = [literal(part) for part in (1, [2, 0], {"slice": [1, None]}, {"slice": [None, None]})]
    assert written == ["1", "[2, 0]", "1:", ":"]


@settings(deadline=None)
@given(st.recursive(st.integers() | st.floats() | st.booleans(), lambda inner: st.lists(inner, max_size=3)))
def test_what_is_observed_is_plain_text(value: Any) -> None:
    """Every number of nested lists is observed, as text that reads back as the same number."""
    found = [exact(x) for x in flat(value)]
    assert json.loads(json.dumps(found)) == found
    assert all(read(text) is None or float(text) == float(x) for text, x in zip(found, flat(value), strict=True))


class Hostile:
    def __str__(self) -> str:
        raise SystemExit("no")


def test_texts_are_clipped_and_survive() -> None:
    """A text is cut at the limit and says so; an object that cannot be printed says that."""
    assert clipped("x" * LIMIT) == "x" * LIMIT
    assert clipped("x" * (LIMIT + 1)).endswith(f"... ({LIMIT + 1} characters)")
    assert clipped(Hostile()) == "<unprintable Hostile: SystemExit>"


# --- spellings


def call(verb: str, args: tuple[str, ...], **options: Any) -> Program:
    outs = ("g",) if verb in ("grad", "require_grad") else ()
    return Program("float64", (Instruction(verb, outs, args, options),))


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (call("backward", ("y",)), "y.backward()"),
        (call("backward", ("y",), retain_graph=True), "y.backward(retain_graph=True)"),
        (
            call("backward", ("y",), cotangent="v", retain_graph=True, create_graph=True, inputs=["x", "w"]),
            "y.backward(v, retain_graph=True, create_graph=True, inputs=[x, w])",
        ),
        (call("grad", ("y", "x")), "g, = reference.grad(y, [x])"),
        (
            call("grad", ("y", "x"), cotangent="v", allow_unused=True),
            "g, = reference.grad(y, [x], grad_outputs=v, allow_unused=True)",
        ),
        (call("clear", ("x",), how="zero"), "x.grad.zero_()"),
        (call("clear", ("x",), how="none"), "x.grad = None"),
        (call("require_grad", ("x",), flag=False), "g = x.requires_grad_(False)"),
    ],
    ids=range(8),
)
def test_options_are_spelled_when_they_are_set(program: Program, text: str) -> None:
    """A verb's options become arguments in a fixed order; those that are not set are not written."""
    assert texts(program, REFERENCE) == [text]


def test_an_engine_that_always_does_so_spells_nothing() -> None:
    """An option with an empty spelling is offered and leaves no trace."""
    adapter = replace(REFERENCE, spellings={**REFERENCE.spellings, "backward.retain_graph": ""})
    assert texts(call("backward", ("y",), cotangent="v", retain_graph=True), adapter) == ["y.backward(v)"]


def index(value: Any) -> Program:
    def write() -> None:
        expect(tensor([1, 2])[value], np.array([1, 2])[value])

    return program_of(write)


@pytest.mark.parametrize(
    ("program", "missing"),
    [
        (call("backward", ("y",), create_graph=True), "backward.create_graph"),
        (call("detach", ("x",)), "detach"),
        (index([0, 1]), "index.list"),
        (index(slice(1, None)), "index"),
        (Program("float32", ()), "float32"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_spelled_is_not_offered(program: Program, missing: str) -> None:
    """A missing spelling or dtype names itself, and the program is declined before anything runs."""
    spellings = {key: text for key, text in REFERENCE.spellings.items() if key != missing}
    adapter = replace(REFERENCE, spellings=spellings, dtypes={"float64": "'float64'"})
    with pytest.raises(NotOffered) as refusal:
        lowered(program, adapter)
    assert refusal.value.key == missing
    assert answered(program, adapter)["declined"] == [missing]


def test_negative_numbers_keep_their_sign() -> None:
    """A negative operand is put in parentheses, so that no operator takes its sign away."""

    def write() -> None:
        x = tensor([2, 3])
        expect(x * -2, [-4, -6])
        expect(-2 - x, [-4, -5])

    passes(program_of(write), REFERENCE)
    assert texts(program_of(write), REFERENCE)[1] == "y = x * (-2.0)".replace("x", "c")


# --- emulation is said


def weighted() -> None:
    x = tensor([1, 2], requires_grad=True)
    v = tensor([3, 5])
    [found] = gradients(x * x, [x], v)
    expect(found, [6, 20])


def test_a_missing_cotangent_argument_becomes_a_weighted_sum() -> None:
    """Without a cotangent argument sum(y * v) is differentiated instead, and the reply says that it was."""
    spellings = {key: text for key, text in REFERENCE.spellings.items() if key != "backward.cotangent"}
    adapter = replace(REFERENCE, spellings=spellings)
    passes(program_of(weighted), adapter)
    assert answered(program_of(weighted), adapter)["lowered"] == ["cotangent as sum(y * v)"]
    assert answered(program_of(weighted), REFERENCE)["lowered"] == []


@pytest.mark.parametrize(
    ("cotangent", "declined"),
    [
        (lambda x: x, ["backward.cotangent"]),
        (lambda x: x + 1, ["backward.cotangent"]),
        (lambda x: (x + 1).detach(), []),
    ],
    ids=["the leaf itself", "a result", "detached"],
)
def test_only_a_constant_cotangent_is_emulated(cotangent: Callable[[Tensor], Tensor], declined: list[str]) -> None:
    """sum(y * v) is the vector-Jacobian product as long as nothing is differentiated through v."""

    def write() -> None:
        x = tensor([1, 2], requires_grad=True)
        y = x * x
        [found] = gradients(y, [x], cotangent(x))
        expect(found, found.value)

    spellings = {key: text for key, text in REFERENCE.spellings.items() if key != "backward.cotangent"}
    adapter = replace(REFERENCE, spellings=spellings)
    assert answered(program_of(write), adapter)["declined"] == declined
    if not declined:
        passes(program_of(write), adapter)


def test_an_explicit_backward_is_not_emulated() -> None:
    """A program about backward's cotangent is declined where there is none: composing earns no credit."""

    def write() -> None:
        x = tensor([1, 2], requires_grad=True)
        (x * x).backward(tensor([3, 5]))
        expect(x.grad, [6, 20])

    spellings = {key: text for key, text in REFERENCE.spellings.items() if key != "backward.cotangent"}
    reply = answered(program_of(write), replace(REFERENCE, spellings=spellings))
    assert reply["declined"] == ["backward.cotangent"]


def test_composed_operators_are_named() -> None:
    """An operator that the shape makes of others is run, and the reply names it."""
    adapter = replace(REFERENCE, composed=("mul",))
    assert answered(program_of(weighted), adapter)["lowered"] == ["mul of other operators"]


# --- the functional shape


def twice_used() -> None:
    x, w = tensor(3, requires_grad=True), tensor(5, requires_grad=True)
    c = tensor(7)
    unrelated = w * w
    y = x * x
    z = y + c * x * w
    received = gradients(z, [x, w])
    expect(received[0], 6 + 35)
    expect(received[1], 21)
    expect(unrelated, 25)
    expect(z, 9 + 105)


def test_functions_are_what_led_to_the_root() -> None:
    """A functional engine differentiates a function with just the instructions on the way to the root."""
    program = program_of(twice_used)
    passes(program, FUNCTIONAL)
    define = next(step for step in lowered(program, FUNCTIONAL) if step[0] == "define")
    assert define[2] == "def f1(x, x2):"
    assert statements(define[3]) == [
        "y2 = x * x",
        "y3 = c * x",
        "y4 = y3 * x2",
        "y5 = y2 + y4",
        "return y5",
    ]


def test_what_a_loop_reads_belongs_to_the_function() -> None:
    """What is used inside a loop and depends on an input is computed inside the function that is differentiated."""

    def write() -> None:
        x = tensor(1, requires_grad=True)
        doubled = x * 2
        expect(gradients(repeated(3, "add", x, doubled), [x])[0], 7)

    passes(program_of(write), FUNCTIONAL)


def test_a_functional_cotangent() -> None:
    """With a cotangent the vector-Jacobian product is asked for."""

    def write() -> None:
        x = tensor(3, requires_grad=True)
        [found] = gradients(x * x, [x], tensor(10))
        expect(found, 60)

    passes(program_of(write), FUNCTIONAL)


def test_functions_within_functions() -> None:
    """The gradient of an expression with a gradient in it is a function that differentiates a function."""

    def write() -> None:
        x = tensor(3, requires_grad=True)
        [first] = grad(x * x, [x], create_graph=True)
        [second] = grad(first * x, [x])
        expect(first, 6)
        expect(second, 12)

    passes(program_of(write), replace(FUNCTIONAL, spellings={**FUNCTIONAL.spellings, "grad.create_graph": ""}))


def test_a_gradient_hides_what_its_function_computes() -> None:
    """A gradient by x recomputes y = 2x inside; by y it would come out as 0, where it is 2: the program is declined."""

    def write() -> None:
        x = tensor(3, requires_grad=True)
        y = x * 2
        [first] = grad(y * y, [x], create_graph=True)
        [second] = grad(first, [y])
        expect(second, 4)

    adapter = replace(FUNCTIONAL, spellings={**FUNCTIONAL.spellings, "grad.create_graph": ""})
    assert answered(program_of(write), adapter)["declined"] == ["gradients by what another function computes inside"]


@pytest.mark.parametrize("option", ["retain_graph", "allow_unused"])
def test_functions_have_no_graph_to_keep(option: str) -> None:
    """What only a recorded graph has is declined in the functional shape."""
    program = call("grad", ("x", "x"), **{option: True})
    with pytest.raises(NotOffered, match=f"grad.{option}"):
        lowered(program, FUNCTIONAL)


# --- the script is what ran


def everything() -> None:
    x = tensor([1, 2], requires_grad=True)
    y = x * x
    hook = y.register_hook(scale=2)
    other = y.register_hook(replace=[1, 5])
    expect(x.grad, None)
    with no_grad():
        expect((x + 1).requires_grad, False)
    with catching(), no_grad():
        interrupt()
    with refuses("not_scalar"):
        y.backward()
    y.sum().backward()
    expect(hook.calls, [[1, 1]])
    expect(other.calls, [[2, 2]])
    with attempting("graph_freed"):
        y.sum().backward()
    expect(x.detach(), [1, 2])
    other.remove()


def test_every_kind_of_step_runs() -> None:
    """A program with every kind of block and observation runs in the agent, and shows what the model says."""
    passes(program_of(everything), REFERENCE)


def test_a_hook_reads_naturally() -> None:
    """A hook is a function that notes its argument, does what its body says and answers; it may be registered once more."""
    value = {"shape": [1], "values": ["2"]}
    body = (
        Instruction("remove", (), ("h",)),
        Instruction("hook", (), ("x", "k")),
        Instruction("write", (), ("c", "g"), {"how": "add"}),
        Instruction("apply", ("g",), ("g", Scalar("3")), {"operator": "mul"}),
        Instruction("apply", ("g",), ("c", "g"), {"operator": "sub"}),
    )
    program = Program(
        "float64",
        (
            Instruction("leaf", ("x",), (), {"value": value, "requires_grad": True}),
            Instruction("leaf", ("c",), (), {"value": value, "requires_grad": False}),
            Instruction("hook", ("k",), ("x",), {"body": [{"scale": "2"}]}),
            Instruction("hook", ("h", "g"), ("x",), {"body": []}, body),
            Instruction("hook", ("r", "g"), ("x",), {"body": []}, (Instruction("raise"),)),
        ),
    )
    text = script(program.to_json(), REFERENCE.to_json(), {})
    assert text[text.index("k_calls") :] == dedent(
        """\
        k_calls = []
        def k_body(g):
            k_calls.append(g.tolist())
            return g * 2.0
        k = x.register_hook(k_body)
        h_calls = []
        def h_body(g):
            h_calls.append(g.tolist())
            h.remove()
            x.register_hook(k_body)
            c.add_(g)
            g = g * 3.0
            g = c - g
            return g
        h = x.register_hook(h_body)
        r_calls = []
        def r_body(g):
            r_calls.append(g.tolist())
            raise ZeroDivisionError
        r = x.register_hook(r_body)
        """
    )


def outcome(text: str) -> str:
    """What a script prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(text, "<script>", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def test_the_script_prints_what_was_observed() -> None:
    """The printed script runs by itself, and prints the values that the agent observed, in their order."""

    def write() -> None:
        x = tensor([1, 2], requires_grad=True)
        y = x * x
        hook = y.register_hook(scale=2)
        with catching(), no_grad():
            interrupt()
        y.sum().backward(retain_graph=True)
        expect(x.grad, [4, 8])
        with refuses("not_scalar"):
            y.backward()
        expect(hook.calls, [[1, 1]])
        expect(y.requires_grad, True)

    program = program_of(write)
    text = script(program.to_json(), REFERENCE.to_json(), {})
    printed = [line for line in outcome(text).splitlines() if "NotScalar" not in line]
    assert printed == ["tensor([4., 8.], dtype=torch.float64)", "refused", "[[1.0, 1.0]]", "True"]


def test_comments_stand_beside_their_instruction() -> None:
    """A remark is printed on the line of its expectation."""
    program = program_of(weighted)
    last = max(index for index, _ in program.walk())
    assert script(program.to_json(), REFERENCE.to_json(), {last: ("expected [6. 20.]", "")}).endswith(
        "print(g.tolist())  # expected [6. 20.]\n"
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_lowering_reads_nothing_but_json(seed: int) -> None:
    """A program that went through the pipe lowers to the same steps."""
    from tests.test_protocol import program_of as random_program

    program = random_program(seed)
    assume(len(program))
    data = json.loads(json.dumps(program.to_json()))
    assert Lowering(data, REFERENCE.to_json()).whole(data["instructions"]) == lowered(program, REFERENCE)


# --- blocks


def in_a_mode() -> None:
    x = tensor(3, requires_grad=True)
    with no_grad():
        c = x * x
    [found] = gradients(c * x, [x])
    expect(found, 9)


def test_what_a_mode_recorded_stays_in_it() -> None:
    """A functional engine would differentiate what no_grad hid: the program is declined instead."""
    adapter = replace(FUNCTIONAL, spellings={**FUNCTIONAL.spellings, "no_grad": "open('/dev/null')"})
    assert answered(program_of(in_a_mode), adapter)["declined"] == ["no_grad"]


def test_a_function_within_its_mode() -> None:
    """What was recorded in a mode is differentiated within the same mode."""

    def write() -> None:
        x = tensor(3, requires_grad=True)
        with no_grad(), enable_grad():
            [found] = gradients(x * x, [x])
            expect(found, 6)

    modes = {"no_grad": "open('/dev/null')", "enable_grad": "open('/dev/null')"}
    passes(program_of(write), replace(FUNCTIONAL, spellings={**FUNCTIONAL.spellings, **modes}))


def test_a_thread_binds_what_the_program_reads() -> None:
    """What a thread binds is read after it: the script says so, and prints what was observed."""

    def write() -> None:
        x = tensor([1, 2], requires_grad=True)
        with in_thread():
            y = x * x
            hook = y.register_hook(scale=2)
            with refuses("not_scalar"):
                y.backward()
        y.sum().backward()
        expect(x.grad, [4, 8])
        expect(hook.calls, [[1, 1]])

    program = program_of(write)
    passes(program, REFERENCE)
    text = script(program.to_json(), REFERENCE.to_json(), {})
    assert "    global y, " in text
    assert outcome(text).splitlines()[-2:] == ["tensor([4., 8.], dtype=torch.float64)", "[[1.0, 1.0]]"]


def test_names_that_statements_bind() -> None:
    """Names are bound by assignments, definitions and loops over tuples, not inside functions and comprehensions."""
    text = (
        "a = b = 1\nc, (d, *e) = f\ndef g(h):\n    i = h\nwith j as k: pass\nl = [m for m in a]\ndel a\no.p = q[r] = 1"
    )
    assert bound(text) == ["a", "b", "c", "d", "e", "g", "k", "l"]
    assert bound("a = (") == []


# --- what is observed


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("True", True),
        ("__import__('numpy').bool_(False)", False),
        ("'MulBackward0'", "MulBackward0"),
        ("1", "1"),
        ("[True]", "[True]"),
        ("'x' * 3000", "x" * LIMIT + "... (3000 characters)"),
    ],
)
def test_flags_and_texts(text: str, seen: bool | str) -> None:
    """Booleans, NumPy's too, are flags; strings stay as they are, and of anything else its repr is sent, clipped."""
    adapter = replace(REFERENCE, spellings={**REFERENCE.spellings, "requires_grad": text})

    def write() -> None:
        expect(tensor(1).requires_grad, False)

    ((_, observed),) = answered(program_of(write), adapter)["observations"]
    assert observed == {"flag": seen}


@pytest.mark.parametrize("key", ["mul", "sum", "backward", "grad_of", "value", "shape", "leaf", "backward.cotangent"])
def test_the_spelling_that_raised_is_named(key: str) -> None:
    """A failure carries the key and the text of the spelling that was being executed."""
    broken = {key: "{a}.nothing"} if key not in ("leaf", "backward", "backward.cotangent") else {key: "nothing"}
    adapter = replace(REFERENCE, spellings={**REFERENCE.spellings, **broken})

    def write() -> None:
        x = tensor([1, 2], requires_grad=True)
        y = (x * x).sum()
        y.backward(tensor(1))
        expect(x.grad, [2, 4])

    failure = answered(program_of(write), adapter)["failure"]
    wanted = "backward" if key == "backward.cotangent" else key
    assert (failure["spelling"], failure["template"]) == (wanted, adapter.spellings[wanted])


def test_a_named_gradient_is_read_as_a_gradient() -> None:
    """What `grad_of` gave is read by `grad_value`, also when a program gave it a name; a tensor is not."""
    spellings = {"value": "{a}.data", "grad_value": "{a}", "grad_of": "{a}.grad", "leaf": "Leaf({value})"}
    adapter = replace(load("reference"), spellings=spellings).to_json()
    value = {"shape": [1], "values": ["1"]}
    shown = {"observe": "tensor", "relation": "equals", "value": value, "why": ""}
    program = Program(
        "float64",
        (
            Instruction("leaf", ("x",), (), {"value": value, "requires_grad": True}),
            Instruction("read_grad", ("g",), ("x",)),
            Instruction("expect", (), ("g",), shown),
            Instruction("expect", (), ("x",), shown),
        ),
    ).to_json()
    steps = Lowering(program, adapter).whole(program["instructions"])
    assert [step[3]["value"] for step in steps if step[0] == "observe"] == [("g", "grad_value"), ("x.data", "value")]
