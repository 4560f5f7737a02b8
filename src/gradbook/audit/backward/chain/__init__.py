"""The loss that a pass starts from, the chain rule from there, and the cells that it gives.

Doesn't know what to do about those that are wrong.
"""
