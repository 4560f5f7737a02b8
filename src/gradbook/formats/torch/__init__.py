"""PyTorch: reads exported programs; writes a module with its weights and training loop.

Knows PyTorch's operators, layers and the .pt2 file, and needs neither PyTorch nor pickle for them.
Doesn't know how a network was trained, except for the settings of the training loop.
"""
