"""What other ways to check gradients find of the faults that are planted: fixed tolerances and finite differences.

The only place of the project where such tolerances stand, and they are others': torch's and JAX's defaults, and what many tests use.
"""
