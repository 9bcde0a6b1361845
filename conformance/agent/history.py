"""What the instructions so far say of a name: each is kept as (instruction, the modes around it)."""


def between(history, root, inputs):
    """The instructions on the way from `inputs` to `root`, in their order, with the modes around each."""
    depends = set(inputs)
    for it, _ in history:
        if it["verb"] in ("apply", "unbind", "detach", "gradients", "grad", "repeat") and not depends.isdisjoint(
            registers(it)
        ):
            depends.update(name for name in it["out"] if name not in inputs)
    wanted, chosen = {root}, []
    for it, modes in reversed(history):
        if not wanted.isdisjoint(set(it["out"]) & depends) and not set(it["out"]) & set(inputs):
            wanted.update(registers(it))
            chosen.append((it, modes))
    return chosen[::-1]


def registers(it):
    """The names that an instruction reads."""
    names = [operand for operand in it["args"] if isinstance(operand, str)]
    for inner in it["body"]:  # of a loop
        names.extend(registers(inner))
    cotangent = it["options"].get("cotangent")
    return names + [cotangent] if cotangent else names


def requires_grad(history, name):
    """Whether operators lead from a leaf that requires grad to what is called so."""
    names = {name}
    for past, _ in reversed(history):
        if names.intersection(past["out"]):
            if past["verb"] == "leaf" and past["options"]["requires_grad"]:
                return True
            if past["verb"] in ("apply", "repeat"):
                names.update(registers(past))
    return False
