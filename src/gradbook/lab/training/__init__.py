"""Training: the images are dealt, steps are taken, each epoch is scored, all is kept in a folder.

It doesn't know how results look, or who is told of them.
"""
