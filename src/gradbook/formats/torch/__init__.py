"""PyTorch: exported programs are read, a module with its weights and training loop is written.

Knows PyTorch's operators, layers and the .pt2 file, and needs no PyTorch and no pickle for them.
Doesn't know how a network was trained but for what it is told to say in a training loop.
"""
