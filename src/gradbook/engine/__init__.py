"""Training at the speed of the machine: C compiled for a network, or NumPy without a compiler.

Knows compilers, their cache and how native code is loaded and called; not what a network means.
"""
