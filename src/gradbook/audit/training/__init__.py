"""Finds the cells that are weights, the steps they take, what their updates claim, and the loss.

Doesn't judge any of it.
"""
