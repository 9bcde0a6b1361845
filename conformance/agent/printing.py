"""A lowered program as a script that a person reads and runs."""

import ast

from .lowering import spelled


def script(program, adapter, comments):
    """The program as a script in the engine's own terms.

    `comments` maps an instruction's index to its remark, and to the part that is printed beside its value ("" for none).
    """
    lines = adapter["prelude"].rstrip().splitlines()
    return "\n".join(lines + printed(spelled(program, adapter)[1], comments, "")) + "\n"


def printed(steps, comments, indent):
    """The lines of `steps`."""
    lines = []
    for step in steps:
        for line in _lines(step, comments):
            lines.append(indent + line)
    return lines or [indent + "pass"]


def _lines(step, comments):
    kind, index = step[0], step[1]
    if kind == "do":
        return step[2].splitlines()
    if kind == "bind":
        return ("%s = %s" % step[2:4]).splitlines()
    if kind == "with":
        return ["with %s:" % step[2]] + printed(step[3], comments, "    ")
    if kind == "define":
        return [step[2]] + printed(step[3], comments, "    ")
    if kind == "repeat":
        return ["for _ in range(%d):" % step[2]] + printed(step[3], comments, "    ")
    if kind == "attempt":
        head = ["%s = 'accepted'" % step[2], "try:"] + printed(step[3], comments, "    ")
        return head + ["except Exception as refusal:", "    %s = 'refused'" % step[2], "    print(repr(refusal))"]
    if kind == "catch":
        return ["try:"] + printed(step[2], comments, "    ") + ["except ZeroDivisionError:", "    pass"]
    if kind == "warned":
        head = "with __import__('warnings').catch_warnings(record=True) as %s:" % step[2]
        return [head, "    __import__('warnings').simplefilter('always')"] + printed(step[3], comments, "    ")
    if kind == "thread":
        start = "thread = __import__('threading').Thread(target=in_thread); thread.start(); thread.join()"
        body = printed(step[2], comments, "    ")
        names = bound("\n".join(["if True:"] + body))
        shared = ["    global " + ", ".join(names)] if names else []
        return ["def in_thread():"] + shared + body + [start]
    if kind == "raise":
        return ["raise ZeroDivisionError"]
    return _print(step, comments.get(index)).splitlines()


def _print(step, comment):
    kind, parts = step[2], step[3]
    remark, beside = comment or ("", "")
    # A gradient may be absent, which only the object itself can say.
    shown = {"tensor": "value", "grad": "object"}.get(kind, kind)
    said = parts[shown][0]
    if kind == "warnings":
        said = "'; '.join(str(caught.message) for caught in %s) or 'no warning'" % said
    if beside in parts:
        said += ", " + parts[beside][0]
    return "print(%s)" % said + ("  # %s" % remark.replace("\n", "\n# ") if remark else "")


def bound(text):
    """The names that statements bind or delete, in their order; none when they are no Python."""
    try:
        nodes = [ast.parse(text)]
    except SyntaxError:
        return []
    names = {}
    while nodes:
        node = nodes.pop(0)
        if isinstance(node, ast.FunctionDef):
            names[node.name] = None  # what it binds itself is its own
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names[node.id] = None
        elif not isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)):
            nodes[:0] = ast.iter_child_nodes(node)
    return list(names)
