"""Which leaves a name depends on: what may be differentiated by what, told from the instructions alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conformance.operators.table import OPERATORS
from conformance.program import DIFFERENTIATING, Instruction

Leaves = frozenset[str]
_NONE: Leaves = frozenset()


def differentiable(instructions: Iterable[Instruction]) -> list[Instruction]:
    """The instructions without the differentiations that are no legal ones: by an input that the root does not depend on."""
    reach = _Reach()
    return [it for it in instructions if reach.admits(it)]


class _Reach:
    """The leaves that each name depends on, and what made it."""

    def __init__(self) -> None:
        self.leaves: dict[str, Leaves] = {}
        self.made: dict[str, Instruction] = {}

    def admits(self, it: Instruction) -> bool:
        """Takes an instruction in; False when it differentiates what it cannot."""
        names = [arg for arg in it.args if isinstance(arg, str)]
        if it.verb in DIFFERENTIATING:
            if not self.leaves.get(names[0], _NONE).issuperset(names[1:]):
                return False
            given = self.leaves.get(str(it.options.get("cotangent")), _NONE)
            for name, leaf in zip(it.out, names[1:], strict=True):
                self.leaves[name] = given | self.needed(names[0], leaf) if it.options.get("create_graph") else _NONE
        elif it.verb == "leaf":
            self.leaves[it.out[0]] = frozenset(it.out) if it.options["requires_grad"] else _NONE
        else:
            self.leaves[it.out[0]] = self.result(it, names)
        for name in it.out:
            self.made[name] = it
        return True

    def result(self, it: Instruction, names: Sequence[str]) -> Leaves:
        """What an operator, a loop or a detached value depends on."""
        if it.verb == "detach" or (it.verb == "apply" and OPERATORS[it.options["operator"]].result):
            return _NONE
        inside = [arg for inner in it.body for arg in inner.args if isinstance(arg, str)]
        return _NONE.union(*[self.leaves.get(name, _NONE) for name in (*names, *inside)])

    def needed(self, root: str, leaf: str) -> Leaves:
        """The leaves on which the derivative of `root` by `leaf` depends: those of the values that are saved on the way."""
        found, waiting, seen = _NONE, [root], set[str]()
        while waiting:
            name = waiting.pop()
            it = self.made.get(name)
            if name in seen or it is None or it.verb == "leaf" or leaf not in self.leaves[name]:
                continue
            seen.add(name)
            operands = [str(arg) for arg in it.args]
            waiting.extend(operands)
            if it.verb == "apply":
                found |= self.saved(it, leaf, operands)
            else:  # a loop, or another derivative: whatever it depends on
                found |= self.leaves[name]
        return found

    def saved(self, it: Instruction, leaf: str, operands: Sequence[str]) -> Leaves:
        """The leaves of what an operator saves for those operands that depend on `leaf`."""
        values = {**dict(zip("abc", operands, strict=False)), "y": it.out[0]}
        saves = OPERATORS[it.options["operator"]].saves
        letters = "".join(
            kept for kept, name in zip(saves, operands, strict=False) if leaf in self.leaves.get(name, _NONE)
        )
        return _NONE.union(*(self.leaves.get(values[letter], _NONE) for letter in letters))
