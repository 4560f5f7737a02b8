"""A training step as functions of its numbers: values at points, exact slopes, the chain rule.

Doesn't know what is wrong with a step, nor which formulas may be tried in it.
"""
