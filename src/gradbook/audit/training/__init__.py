"""Which cells are weights, which steps they take, what their updates claim, what the loss is.

Doesn't judge any of it.
"""
