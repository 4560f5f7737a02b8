"""Both sides of the terminal: what arguments mean, what is printed and drawn on it.

It doesn't know what any verb does.
"""
