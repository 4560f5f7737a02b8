"""A class's books: which files they are, what each earns, which of them are alike.

It doesn't know how findings are made, nor how they are shown.
"""
