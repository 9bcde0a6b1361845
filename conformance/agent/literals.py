"""Values, attributes and positions as Python writes them."""


def nested(value):
    """A value's literal: nested lists of its numbers; a lone number when it is 0-d."""
    return repr(unflattened(value, number))


def unflattened(value, read):
    """A value as nested lists of what `read` makes of each text; a lone one when it is 0-d."""
    return _unflattened(list(value["shape"]), [read(text) for text in value["values"]])


def _unflattened(shape, numbers):
    if not shape:
        return numbers[0]
    step = len(numbers) // shape[0] if shape[0] else 0
    return [_unflattened(shape[1:], numbers[i * step : (i + 1) * step]) for i in range(shape[0])]


def number(text):
    """A rational that binary64 holds, as Python's number."""
    if text == "-0":
        return -0.0
    numerator, _, denominator = text.partition("/")
    return int(numerator) / int(denominator or "1")


def literal(value):
    """An attribute's literal: axes, shapes and indices; a slice is {"slice": [start, stop]}."""
    if isinstance(value, dict):
        return ":".join("" if part is None else str(part) for part in value["slice"])
    return repr(value)


def positions(count):
    """The literal that tells a functional engine which arguments to differentiate by."""
    return "(%s,)" % ", ".join(str(i) for i in range(count))
