"""A class's books: which files they are, what each earns, which of them are alike.

Doesn't know how anything was found, nor how it is shown.
"""
