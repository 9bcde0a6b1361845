"""What other ways to check gradients find of the faults that are planted: fixed tolerances and finite differences.

The tolerances here are others': the defaults of torch and of JAX, and what many tests use.
"""
