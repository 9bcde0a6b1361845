"""The specification: one module a chapter, one test a clause, the test's docstring its sentence.

A clause records a program (see `conformance.tensor`) and expects what a formula in the clause says. It never asserts: a bare
`assert` would be checked against the model, not against an engine.
"""
