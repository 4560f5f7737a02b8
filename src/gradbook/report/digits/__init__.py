"""A network that reads pictures, on a page: drawn digits, every layer's maps, training there.

Knows how the parts of that page are put together; doesn't know what is computed there.
"""
