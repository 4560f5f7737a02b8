"""How a training on a table looks, in the terminal and as a page; what was predicted, as a table.

It doesn't know how any of it was computed.
"""
