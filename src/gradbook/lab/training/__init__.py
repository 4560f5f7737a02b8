"""Training: folds, steps, a score for each epoch, and a folder with all results.

It doesn't know how results look, or who sees them.
"""
