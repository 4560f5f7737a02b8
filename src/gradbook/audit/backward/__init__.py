"""A backward pass that stands beside its forward pass once: deltas and gradients cell by cell.

Knows which cell claims which derivative, and which is the first to be wrong. Doesn't know rows of
steps: those are trainings.
"""
