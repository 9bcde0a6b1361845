"""The agent: the small process that holds an engine and executes programs.

This folder is all that an engine's process loads of the project. It depends on nothing but the standard library and keeps to
syntax that Python 3.8 reads, so that it runs in the engine's own environment. The harness imports `lowering` too: what is
printed as a script is made by the code that made what ran.
"""
