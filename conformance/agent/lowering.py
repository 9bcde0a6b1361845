"""From instructions to statements: what a program becomes when an adapter's spellings are filled in.

A program is lowered to steps. The interpreter executes them; `script` prints them. A step is a tuple:

    ("do", index, text, key)             statements; the key of the spelling that they come from, or None
    ("bind", index, name, text, key, code, names, values)
                                         name = text, which is what the function `code` gives for names and values: one function
                                         serves every program, and is compiled once
    ("with", index, text, steps, key)    a context manager around steps
    ("attempt", index, name, steps)      steps of which one may raise
    ("catch", index, steps)              the program's own exception is caught here
    ("warned", index, name, steps)       steps whose warnings are collected
    ("repeat", index, times, steps)      steps that are executed so often
    ("thread", index, steps)             steps that run in a thread of their own
    ("raise", index)                     the program raises its own exception
    ("observe", index, kind, parts)      expressions to evaluate and report: name -> (text, key)
    ("define", index, text, steps)       a function whose body is steps (the functional shape)
"""

from .history import between, requires_grad
from .literals import literal, nested, number, positions, unflattened

OPTIONS = {
    "backward": ("cotangent", "retain_graph", "retain_variables", "create_graph", "inputs"),
    "grad": ("cotangent", "retain_graph", "create_graph", "allow_unused"),
}
MODES = ("no_grad", "enable_grad")


class NotOffered(Exception):
    """The adapter has no spelling for what the program needs; `key` names it."""

    def __init__(self, key):
        Exception.__init__(self, key)
        self.key = key


class Misspelt(Exception):
    """A spelling that cannot be filled in with what the program has."""


class Lowering:
    """One program's lowering. `lowered` collects what had to be composed because no spelling says it."""

    def __init__(self, program, adapter):
        if program["dtype"] not in adapter["dtypes"]:
            raise NotOffered(program["dtype"])
        self.adapter = adapter
        self.spellings = adapter["spellings"]
        self.program_dtype = program["dtype"]
        self.dtype = adapter["dtypes"][program["dtype"]]
        self.functional = adapter["shape"] == "functional"
        self.history = []  # (instruction, the modes around it)
        self.modes = ()
        self.depth = 0
        self.lowered = []
        self.gradients = set()  # names of what `grad_of` gave, which may be read otherwise than a tensor

    def whole(self, instructions):
        """The whole program, inside what the engine wants around it."""
        steps = self.steps(instructions)
        around = self.adapter["around"]
        return [("with", instructions[0]["index"], around, steps, None)] if around and instructions else steps

    def steps(self, instructions):
        result = []
        for instruction in instructions:
            result.extend(self.step(instruction))
            self.history.append((instruction, self.modes))
        return result

    def step(self, instruction):
        verb = instruction["verb"]
        if verb not in MODES and not hasattr(self, "_" + verb):
            raise NotOffered(verb)  # a verb of a harness that is younger
        return self.mode(instruction) if verb in MODES else getattr(self, "_" + verb)(instruction)

    def mode(self, instruction):
        verb, outside = instruction["verb"], self.modes
        text = self.spelled(verb)
        self.modes = outside + (verb,)
        body = self.steps(instruction["body"])
        self.modes = outside
        return [("with", instruction["index"], text, body, verb)]

    def spelled(self, key, **parts):
        if key not in self.spellings:
            raise NotOffered(key)
        return self.spellings[key].format(**parts)

    # --- values

    def _leaf(self, it):
        options = it["options"]
        key = "leaf" if options["requires_grad"] else "constant"
        dtype = options.get("dtype")
        if dtype and dtype not in self.adapter["dtypes"]:
            raise NotOffered(dtype)
        written, value = self.numbers(options["value"], int if dtype else number)
        parts = {
            "dtype": self.adapter["dtypes"][dtype or self.program_dtype],
            "shape": tuple(options["value"]["shape"]),
        }
        text = self.spelled(key, value=written, **parts)
        code = "lambda value: " + self.spelled(key, value="value", **parts)
        return [("bind", it["index"], it["out"][0], text, key, code, (), (value,))]

    def numbers(self, value, read):
        """A leaf's numbers as a literal, and as what that literal gives."""
        lists = unflattened(value, read)
        return repr(lists), lists

    def _variable(self, it):
        options = it["options"]
        text = self.spelled(
            "variable",
            value=nested(options["value"]),
            dtype=self.dtype,
            requires_grad=options["requires_grad"],
            volatile=options["volatile"],
        )
        return [self._bound(it, text, "variable")]

    def _rewrap(self, it):
        flag = it["options"]["requires_grad"]
        return [self._bound(it, self.spelled("rewrap", a=it["args"][0], requires_grad=flag), "rewrap")]

    def _apply(self, it):
        key = it["options"]["operator"]
        if key in self.adapter["composed"]:
            self.lowered.append("%s of other operators" % key)
        if key == "index" and isinstance(it["options"]["index"], list):
            key = "index.list"  # a gather; many engines that slice spell it otherwise, or have none
        parts = {name: literal(value) for name, value in it["options"].items() if name != "operator"}
        parts.setdefault("keepdim", "False")
        parts.update(zip("abc", (self.operand(operand) for operand in it["args"])))
        text = self.spelled(key, **parts)
        # A number is part of the function; a name is an argument.
        named = [(letter, name) for letter, name in zip("abc", it["args"]) if isinstance(name, str)]
        letters, names = [letter for letter, _ in named], tuple(name for _, name in named)
        parts.update((letter, letter) for letter in letters)
        code = "lambda %s: %s" % (", ".join(letters), self.spelled(key, **parts))
        return [("bind", it["index"], it["out"][0], text, key, code, names, ())]

    def _detach(self, it):
        return [self._bound(it, self.spelled("detach", a=it["args"][0]), "detach")]

    def _read_grad(self, it):
        self.gradients.add(it["out"][0])
        return [self._bound(it, self.spelled("grad_of", a=it["args"][0]), "grad_of")]

    def _unbind(self, it):
        text = "%s, = %s" % (", ".join(it["out"]), self.spelled("unbind", a=it["args"][0]))
        return [("do", it["index"], text, "unbind")]

    def array(self, key, value):
        return self.spelled(key, value=nested(value), dtype=self.dtype, shape=tuple(value["shape"]))

    def operand(self, operand):
        if isinstance(operand, str):
            return operand
        text = repr(number(operand["scalar"]))
        return self.spelled("scalar", value="(%s)" % text if text.startswith("-") else text)

    def _bound(self, it, text, key):
        return ("do", it["index"], "%s = %s" % (it["out"][0], text), key)

    # --- derivatives

    def _gradients(self, it):
        """The core: gradients by whatever means the engine has."""
        if self.functional:
            return self._by_function(it)
        if "backward" in self.spellings:
            return self._by_backward(it)
        return self._grad(it)

    def _by_backward(self, it):
        root, inputs, cotangent = it["args"][0], it["args"][1:], it["options"].get("cotangent")
        if cotangent and "backward.cotangent" not in self.spellings:
            root, steps = self._contracted(it, root, cotangent)
            cotangent = None
        else:
            steps = []
        steps.append(("do", it["index"], self.call("backward", {"cotangent": cotangent}, root=root), "backward"))
        for name, leaf in zip(it["out"], inputs):
            steps.append(("do", it["index"], "%s = %s" % (name, self.spelled("grad_of", a=leaf)), "grad_of"))
            self.gradients.add(name)
        return steps

    def _contracted(self, it, root, cotangent):
        """An engine without a cotangent argument differentiates sum(root * cotangent): the same vector-Jacobian product.

        That holds for a constant alone: through a cotangent that leads back to a leaf the sum would be differentiated too.
        """
        if requires_grad(self.history, cotangent):
            raise NotOffered("backward.cotangent")
        self.lowered.append("cotangent as sum(y * v)")
        scalar = "%s_contracted" % root
        text = "%s = %s" % (scalar, self.spelled("mul", a=root, b=cotangent))
        total = "%s = %s" % (scalar, self.spelled("sum", a=scalar))
        return scalar, [("do", it["index"], text, "mul"), ("do", it["index"], total, "sum")]

    def _backward(self, it):
        return [("do", it["index"], self.call("backward", it["options"], root=it["args"][0]), "backward")]

    def _grad(self, it):
        if self.functional:
            return self._by_function(it)
        text = self.call("grad", it["options"], root=it["args"][0], inputs=", ".join(it["args"][1:]))
        return [("do", it["index"], "%s, = %s" % (", ".join(it["out"]), text), "grad")]

    def call(self, verb, options, **parts):
        """A verb with those of its options that are set, each by its own spelling."""
        if verb not in self.spellings:
            raise NotOffered(verb)
        given = []
        for name in OPTIONS[verb]:
            value = options.get(name)
            if value:
                text = ", ".join(value) if isinstance(value, list) else value
                given.append(self.spelled("%s.%s" % (verb, name), **{name: text}))
        given = [text for text in given if text]  # an empty spelling: the engine always does so
        return self.spelled(verb, arguments=", ".join(given), options="".join(", " + text for text in given), **parts)

    def _by_function(self, it):
        """The functional shape: what led from the inputs to the root becomes a function that is differentiated."""
        for name in ("retain_graph", "allow_unused"):
            if it["options"].get(name):
                raise NotOffered("grad." + name)
        root, inputs, cotangent = it["args"][0], it["args"][1:], it["options"].get("cotangent")
        self.depth += 1
        function = "f%d" % self.depth
        body = []
        for past, modes in between(self.history, root, inputs):
            if modes != self.modes:  # it would be recorded under another mode than it was
                raise NotOffered(max(modes, self.modes, key=len)[-1])
            if self.hides(past, inputs):
                raise NotOffered("gradients by what another function computes inside")
            body.extend(self.step(past))
        body.append(("do", it["index"], "return %s" % root, None))
        key = "vjp" if cotangent else "gradient"
        text = self.spelled(
            key, f=function, inputs=", ".join(inputs), positions=positions(len(inputs)), cotangent=cotangent
        )
        header = "def %s(%s):" % (function, ", ".join(inputs))
        return [
            ("define", it["index"], header, body),
            ("do", it["index"], "%s, = %s" % (", ".join(it["out"]), text), key),
        ]

    def hides(self, past, inputs):
        """Whether a gradient's own function computes one of `inputs`, and so does not depend on what is given for it."""
        if past["verb"] not in ("grad", "gradients"):
            return False
        inside = between(self.history, past["args"][0], past["args"][1:])
        return any(name in it["out"] for it, _ in inside for name in inputs)

    # --- state

    def _clear(self, it):
        return self._statement(it, "clear." + it["options"]["how"])

    def _require_grad(self, it):
        flag = it["options"]["flag"]
        return [self._bound(it, self.spelled("require_grad", a=it["args"][0], flag=flag), "require_grad")]

    def _write(self, it):
        options = it["options"]
        key = "write." + options["how"]
        a, b = (self.operand(operand) for operand in it["args"])
        return [("do", it["index"], self.spelled(key, a=a, b=b, index=literal(options.get("index"))), key)]

    def _set_grad(self, it):
        return [("do", it["index"], self.spelled("set_grad", a=it["args"][0], b=it["args"][1]), "set_grad")]

    def _drop(self, it):
        return [("do", it["index"], "del %s" % it["args"][0], None)]

    def _native(self, it):
        return [("do", it["index"], self.native(it["options"]["text"], it["args"]), None)]

    def native(self, template, names):
        """A dialect's own words: {0}, {1} … are the program's names, {ns} is the engine's namespace."""
        return template.format(*names, ns=self.spelled("native"))

    def _retain_grad(self, it):
        return self._statement(it, "retain_grad")

    def _remove(self, it):
        return self._statement(it, "remove")

    def _statement(self, it, key):
        return [("do", it["index"], self.spelled(key, a=it["args"][0]), key)]

    def _hook(self, it):
        """A function and its registration; of another hook's handle, the function that is there."""
        if len(it["args"]) > 1:
            return [("do", it["index"], self.spelled("hook", a=it["args"][0], body="%s_body" % it["args"][1]), "hook")]
        index, name, argument = it["index"], it["out"][0], (it["out"] + ["g"])[1]
        text = self.spelled("hook", a=it["args"][0], body="%s_body" % name)
        return [
            ("do", index, "%s_calls = []" % name, None),
            ("define", index, "def %s_body(%s):" % (name, argument), self.hook_body(it, name, argument)),
            ("do", index, "%s = %s" % (name, text), "hook"),
        ]

    def hook_body(self, it, name, argument):
        """The calls are noted, what the body says is done, and the answer is given: an action's, or what operators made."""
        actions = it["options"]["body"]
        noted = next((action["note"] for action in actions if "note" in action), "hook_value")
        seen = self.spelled(noted, a=argument)
        note = "%s_calls.append(%s)" % (name, "str(%s)" % seen if noted == "dtype" else seen)
        answers = [self.hook_action(action, argument) for action in actions if "note" not in action]
        if not answers and any(inner["verb"] == "apply" for inner in it["body"]):
            answers = ["return %s" % argument]
        steps = [("do", it["index"], note, None)]
        steps.extend(step for inner in it["body"] for step in self.step(inner))
        return steps + [("do", it["index"], answer, None) for answer in answers]

    def hook_action(self, action, argument):
        if "scale" in action:
            return "return " + self.spelled("mul", a=argument, b=self.operand({"scalar": action["scale"]}))
        return "return " + self.array("constant", action["replace"])

    # --- blocks and observations

    def _attempt(self, it):
        return [("attempt", it["index"], it["out"][0], self.steps(it["body"]))]

    def _catch(self, it):
        return [("catch", it["index"], self.steps(it["body"]))]

    def _warned(self, it):
        return [("warned", it["index"], it["out"][0], self.steps(it["body"]))]

    def _repeat(self, it):
        first = ("do", it["index"], "%s = %s" % (it["out"][0], it["args"][0]), None)
        body = [step for past in it["body"] for step in self.step(past)]  # the loop is one step of the history
        return [first, ("repeat", it["index"], it["options"]["times"], body)]

    def _thread(self, it):
        return [("thread", it["index"], self.steps(it["body"]))]

    def _raise(self, it):
        return [("raise", it["index"])]

    def _expect(self, it):
        kind = it["options"]["observe"]
        names = dict(zip("ab", it["args"]))
        if kind == "tensor":
            parts = self.tensor_parts("grad_" if names["a"] in self.gradients else "", names["a"])
        elif kind == "grad":
            parts = self.tensor_parts("grad_", self.spelled("grad_of", a=names["a"]), "grad_of")
        elif kind == "calls":
            parts = {"calls": (names["a"] + "_calls", None)}
        elif kind in ("outcome", "warnings"):
            parts = {kind: (names["a"], None)}
        elif kind == "native":
            parts = {"native": (self.native(it["options"]["native"], it["args"]), None)}
        else:
            parts = {kind: (self.spelled(kind, **names), kind)}
        return [("observe", it["index"], kind, parts)]

    def tensor_parts(self, prefix, text, key=None):
        """What is read of a tensor: its value always; shape and dtype where the engine has them."""
        parts = {"object": (text, key)}
        for part in ("value", "shape", "dtype"):
            key = prefix + part if prefix + part in self.spellings else part
            if key in self.spellings or part == "value":
                parts[part] = (self.spelled(key, a=text), key)
        return parts


def spelled(program, adapter):
    """A program's lowering and its steps; raises NotOffered or Misspelt."""
    try:
        lowering = Lowering(program, adapter)
        return lowering, lowering.whole(program["instructions"])
    except (AttributeError, LookupError, TypeError, ValueError) as reason:
        raise Misspelt("a spelling cannot be filled in: %s: %s" % (type(reason).__name__, reason))
