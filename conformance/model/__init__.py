"""The judge's model of a right engine: exact numbers, forward-mode derivatives, a naive twin of the protocol.

It shares no code with any engine, and no method either: engines sweep backward, the model pushes tangents forward.
"""
