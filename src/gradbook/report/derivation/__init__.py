"""A network's backpropagation as algebra: the public `explain`, and its page.

Knows the formats; it doesn't know how a chain is worked.
"""
