"""Text that crosses the pipe: clipped messages and exact values."""

LIMIT = 2000


def clipped(value):
    """The text of an engine's object, at most LIMIT characters; what cannot be printed says so."""
    try:
        text = str(value)
    except BaseException as reason:  # an engine's __str__ may raise anything
        text = "<unprintable %s: %s>" % (type(value).__name__, type(reason).__name__)
    return text if len(text) <= LIMIT else text[:LIMIT] + "... (%d characters)" % len(text)


def exact(number):
    """A number as text that reads back as the same number: integers and the shortest decimal of a binary64."""
    if isinstance(number, (bool, int)):
        return str(int(number))
    return repr(float(number))


def flat(nested):
    """The numbers of nested lists in row-major order."""
    if isinstance(nested, (list, tuple)):
        return [number for part in nested for number in flat(part)]
    return [nested]


def extents(nested):
    """The shape of nested lists, as far as lists can tell it."""
    shape = []
    while isinstance(nested, (list, tuple)):
        shape.append(len(nested))
        if not nested:
            break
        nested = nested[0]
    return shape
