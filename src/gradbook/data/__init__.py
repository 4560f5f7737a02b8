"""Where samples come from, how they are read, checked and split.

Tables of numbers for small networks (`tables`), data sets of images for larger ones (`sources`).
Knows files and what can be wrong with them. Knows nothing of graphs and training.
"""
