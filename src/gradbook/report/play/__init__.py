"""A network to play with: one page that trains it and shows every number of its backpropagation.

Knows how the parts of that page are put together; doesn't know what is computed there.
"""
