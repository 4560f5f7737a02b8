"""Sources of samples: how they are read, checked and split.

Tables of numbers for small networks (`tables`), data sets of images for larger ones (`sources`).
It knows files and their possible faults, but not graphs or training.
"""
