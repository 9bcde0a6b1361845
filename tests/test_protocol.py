"""The model's twin of the protocol against torch itself, on random programs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from math import prod
from random import Random

import pytest

from conformance.adapter import load
from conformance.execution import Engine
from conformance.generation.drawing import derive
from conformance.judge import Finding, judge
from conformance.model.forward import Value
from conformance.model.numbers import Array, exact_array
from conformance.program import Program
from conformance.script import printed
from conformance.tensor import (
    Handle,
    Recorder,
    Tensor,
    catching,
    enable_grad,
    expect,
    grad,
    grad_enabled,
    interrupt,
    no_grad,
    recording,
    refuses,
    tensor,
)

PROGRAMS = 2000
STEPS = 12
# Products stay far below 2**24, so that every intermediate cotangent is exact in float32 too.
LARGEST = 64
SHAPES = ((), (1,), (2,), (2, 2))


class Author:
    """Writes one random program, of which every step is legal unless it says otherwise."""

    def __init__(self, seed: int, recorder: Recorder) -> None:
        self.random = Random(seed)
        self.recorder = recorder
        self.tensors: list[Tensor] = []
        self.hooks: list[Handle] = []
        self.viewed: set[str] = set()
        self.watchful = self.random.random() < 0.3
        self.ended = False

    def write(self) -> None:
        """A few leaves, random steps, and then everything is looked at."""
        for _ in range(2):
            self.leaf()
        for _ in range(STEPS):
            self.step(depth=0)
        if not self.ended:
            self.look(self.tensors, self.hooks)

    def step(self, depth: int) -> None:
        if self.ended:
            return
        steps: list[tuple[int, Callable[[], None]]] = [
            (2, self.leaf),
            (11, self.operate),
            (2, self.view),
            (5, self.backward),
            (3, self.functional),
            (2, self.clear),
            (1, self.detach),
            (3, self.hook),
            (1, self.remove),
            (2, self.retain),
            (1, self.flag),
            (2, self.wrong),
            (2 if depth < 2 else 0, lambda: self.block(depth)),
        ]
        weights, actions = zip(*steps, strict=True)
        self.random.choices(actions, weights)[0]()
        if self.watchful and not self.ended:
            self.look(self.random.sample(self.tensors, 2), self.hooks[-1:])

    # --- looking

    def look(self, tensors: list[Tensor], hooks: list[Handle]) -> None:
        """Expects what the model says."""
        for it in tensors:
            state = it.state
            expect(it, it.value)
            expect(it.grad, state.grad.value.array if state.grad else None)
            expect(it.requires_grad, state.requires_grad)
            expect(it.is_leaf, state.is_leaf)
        for hook in hooks:
            expect(hook.calls, list(hook._hook.calls))
        expect(grad_enabled(), self.recorder.twin.grad_enabled)

    # --- choosing

    def numbers(self, shape: tuple[int, ...]) -> Array:
        return exact_array([self.random.randint(-3, 3) for _ in range(prod(shape))]).reshape(shape)

    def any(self, *conditions: Callable[[Tensor], bool]) -> Tensor | None:
        """A tensor for which all conditions hold; the younger the likelier."""
        found = [it for it in self.tensors if all(condition(it) for condition in conditions)]
        return self.random.choices(found, range(1, len(found) + 1))[0] if found else None

    def kept(self, result: Tensor) -> None:
        self.tensors.append(result)

    # --- steps

    def leaf(self) -> None:
        values = self.numbers(self.random.choice(SHAPES))
        self.kept(tensor(values, requires_grad=self.random.random() < 0.8))

    def operate(self) -> None:
        a = self.any(lambda it: all(abs(x) <= LARGEST for x in it.value.flat))
        if a is None:
            return
        b = self.any(lambda it: it.shape in (a.shape, ()), lambda it: all(abs(x) <= LARGEST for x in it.value.flat))
        choices: list[Callable[[], Tensor]] = [
            lambda: -a,
            a.sum,
            lambda: a + self.random.randint(-2, 2),
            lambda: self.random.randint(-2, 2) * a,
            lambda: self.random.randint(-2, 2) - a,
            lambda: a / 2,
            lambda: a**2,
            lambda: a.unary("relu"),
            lambda: abs(a),
        ]
        if b is not None:
            choices += [lambda: a + b, lambda: a - b, lambda: a * b, lambda: a * a, lambda: b * a] * 2
        if a.shape:
            choices += [lambda: a[[0, 0]]]
        if len(a.shape) == 2:
            choices += [lambda: a.sum(0), lambda: a.sum(1), lambda: a @ a]
        self.kept(self.random.choice(choices)())

    def view(self) -> None:
        """Under no_grad torch's views show the flag of what they view; the specification leaves it open."""
        a = self.any(lambda it: self.recorder.twin.grad_enabled or not it.state.requires_grad)
        if a is not None:
            self.viewed.add(a.name)
            choices = [lambda: a.reshape(a.value.size), lambda: a[0], lambda: a[0:]]
            self.kept(self.random.choice(choices if a.shape else choices[:1])())

    def backward(self) -> None:
        root = self.any(differentiable, self.runs_again)
        if root is not None:
            cotangent = self.cotangent(root)
            inputs = None
            if self.random.random() < 0.2:
                inputs = [it for it in self.below(root) if self.random.random() < 0.5] or None
            root.backward(cotangent, retain_graph=self.random.random() < 0.5, inputs=inputs)

    def cotangent(self, root: Tensor) -> Tensor | None:
        if root.value.size == 1 and self.random.random() < 0.7:
            return None
        return tensor(self.numbers(root.shape))

    def functional(self) -> None:
        root = self.any(differentiable, self.runs_again)
        below = self.below(root) if root else []
        if root is not None and below:
            inputs = self.random.sample(below, min(len(below), self.random.randint(1, 2)))
            # For an input on the way to another, torch returns what its hooks were given, not what they made.
            if any(it.state.hooks and not it.state.is_leaf for it in inputs):
                inputs = inputs[:1]
            found = grad(root, inputs, self.cotangent(root), retain_graph=self.random.random() < 0.7)
            self.tensors += found

    def below(self, root: Tensor) -> list[Tensor]:
        """The tensors on which `root` depends."""
        reached = history(root.state.value)
        return [it for it in self.tensors if it.state.value in reached and it.state.requires_grad]

    def runs_again(self, root: Tensor) -> bool:
        """Whether nothing that `root` needs was freed."""
        nodes = [value.node for value in history(root.state.value) if value.node]
        return not any(node.freed and node.saves for node in nodes)

    def clear(self) -> None:
        it = self.any(lambda it: it.state.grad is not None)
        if it is not None and self.random.random() < 0.5:
            it.grad.zero_()
        elif it is not None:
            it.grad = None

    def detach(self) -> None:
        it = self.any()
        if it is not None:
            self.kept(it.detach())

    def hook(self) -> None:
        it = self.any(differentiable)
        if it is not None:
            kind = self.random.choice(("observe", "scale", "replace"))
            scale = self.random.randint(-2, 3) if kind == "scale" else None
            replacement = self.numbers(it.shape) if kind == "replace" else None
            self.hooks.append(it.register_hook(scale=scale, replace=replacement))

    def remove(self) -> None:
        if self.hooks:
            self.random.choice(self.hooks).remove()

    def retain(self) -> None:
        it = self.any(differentiable)
        if it is not None:
            it.retain_grad()

    def flag(self) -> None:
        # Views show their base's flag, and torch may return one tensor as several gradients.
        it = self.any(lambda it: it.name[0] in "xc" and it.name not in self.viewed)
        if it is not None:
            it.requires_grad_(self.random.random() < 0.5)

    def block(self, depth: int) -> None:
        """Grad modes, some of which are left by an exception."""
        mode = self.random.choice((no_grad, enable_grad))
        if self.random.random() < 0.3:
            with catching(), mode():
                self.step(depth + 1)
                interrupt()
        else:
            with mode():
                for _ in range(self.random.randint(1, 2)):
                    self.step(depth + 1)

    def wrong(self) -> None:
        """What must be refused. Failing during a backward leaves torch half changed: the program ends."""
        constant = self.any(lambda it: not it.state.requires_grad)
        many = self.any(differentiable, lambda it: it.value.size > 1)
        result = self.any(lambda it: not it.state.is_leaf)
        bare = self.any(lambda it: it.state.grad is None)
        freed = self.any(differentiable, lambda it: not self.runs_again(it))
        choices: list[tuple[str, Callable[[], object]]] = []
        if constant:
            choices += [("needs_grad", constant.backward if constant.value.size == 1 else constant.retain_grad)]
            choices += [("needs_grad", constant.retain_grad), ("needs_grad", constant.register_hook)]
        if many:
            choices += [("not_scalar", many.backward), ("not_scalar", lambda: grad(many, [many]))]
            choices += [("shape_mismatch", lambda: many.backward(tensor(1)))]
        if result:
            choices += [("not_leaf", lambda: result.requires_grad_(False))]
        if bare:
            choices += [("no_gradient", bare.grad.zero_)]
        if freed and self.random.random() < 0.3:
            choices = [("graph_freed", lambda: freed.backward(tensor(self.numbers(freed.shape))))]
            self.ended = True
        if choices:
            kind, action = self.random.choice(choices)
            with refuses(kind):
                action()


def differentiable(it: Tensor) -> bool:
    return it.state.requires_grad


def history(root: Value) -> set[Value]:
    """What `root` was computed from, itself included."""
    found = {root}
    for operand in root.node.needs if root.node else ():
        found |= history(operand)
    return found


def program_of(seed: int) -> Program:
    """The random program of `seed`."""
    with recording("float64" if seed % 2 else "float32") as recorder:
        Author(derive(seed, "protocol"), recorder).write()
        return recorder.program()


def cubic_program(seed: int) -> Program:
    """A program that differentiates twice through hooks and retained gradients."""
    random = Random(derive(seed, "cubic"))
    with recording("float64") as recorder:
        author = Author(derive(seed, "leaves"), recorder)
        x, w = (tensor(author.numbers((2,)), requires_grad=True) for _ in range(2))
        y = random.choice([x * w, x * x, x * 3, x + w])
        hooks = [y.register_hook(scale=random.randint(-2, 3)) for _ in range(random.randint(0, 2))]
        if random.random() < 0.5:
            y.retain_grad()
        root = (y * x * w * random.choice([x, w])).sum()
        first = grad(root, [x, w], create_graph=True)
        second = grad((first[0] * first[1]).sum(), [w, x], retain_graph=True)
        ((first[0] + first[1] * x) * w).sum().backward(retain_graph=True)
        (x * w).sum().backward()
        expect(w.grad, w.state.grad.value.array if w.state.grad else None)
        for it in (*first, *second):
            expect(it, it.value)
        author.look([x, w], hooks)
        expect(y.grad, y.state.grad.value.array if y.state.grad else None)
        return recorder.program()


@pytest.fixture(scope="module")
def torch() -> Iterator[Engine]:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed, and the twin's rules are torch's")
    with Engine(load("torch")) as engine:
        yield engine


def disagreement(engine: Engine, program: Program) -> str:
    """The script that shows where the engine is not as the model says; empty when it is throughout."""
    reply = engine.run(program)
    finding = reply if isinstance(reply, Finding) else judge(program, reply).finding
    if finding is None and not isinstance(reply, Finding) and not reply["declined"]:
        return ""
    shown = program if finding is None or finding.at is None else program.until(finding.at)
    return f"{finding or reply}\n{printed(shown, engine.adapter)}"


def test_the_twin_is_what_torch_does(torch: Engine) -> None:
    """On random programs over the whole protocol torch shows, step by step, what the model says."""
    found = (disagreement(torch, program_of(seed)) for seed in range(PROGRAMS))
    assert next(filter(None, found), None) is None
    assert torch.clock.programs >= PROGRAMS


def test_the_twin_differentiates_twice_as_torch_does(torch: Engine) -> None:
    """Second derivatives through hooks and retained gradients are torch's."""
    found = (disagreement(torch, cubic_program(seed)) for seed in range(200))
    assert next(filter(None, found), None) is None
