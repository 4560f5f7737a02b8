"""A training: while it runs, its report and that of several seeds, the built-in recipes.

Knows what a run leaves behind; it doesn't know how a network is trained.
"""
