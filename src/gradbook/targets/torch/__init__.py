"""A trained network as a PyTorch module, written as a person would write it, with its weights.

Knows PyTorch's layers and their names. Needs no PyTorch to write them, and doesn't know how the
network was trained but for what it is told to say in a training loop.
"""
