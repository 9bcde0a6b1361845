"""How the answer is shown: pure functions of journals."""
