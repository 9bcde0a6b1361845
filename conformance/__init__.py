"""autograd-conformance: a levelled specification of automatic differentiation, and the machinery that asks engines about it.

Importing this package loads no engine and nothing heavy.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
