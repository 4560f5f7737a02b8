"""Which cells are weights, which steps they take, what updates claim, what may be the loss.

It doesn't judge.
"""
