"""Random programs: seeded generators, what a right engine must let us see of them, and the smallest that still shows a fault.

A generator draws a `Sketch`; a writer plays it on the model and makes of it a `Program` that expects something; the minimiser
makes smaller sketches of one. Everything is a function of a seed.
"""

from conformance.generation.sketch import Sketch

__all__ = ["Sketch"]
