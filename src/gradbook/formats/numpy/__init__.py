"""NumPy: a trained network is written as a program of one file, with its weights beside it.

Knows how NumPy says each op. Doesn't know any layer by its name, nor how a network was trained.
"""
