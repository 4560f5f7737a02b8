"""PyTorch's exported programs: which layers of ours their operators are.

Knows the operators and the .pt2 file that torch.export.save writes, and reads it without PyTorch
and without unpickling anything. Says all that has no layer here at once.
"""
