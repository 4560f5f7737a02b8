"""A single backward pass beside its forward pass: deltas and gradients, cell by cell.

Knows which cell should be which derivative, and which is the first wrong one. Doesn't know tables
with a row per step: those are trainings.
"""
