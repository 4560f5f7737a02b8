"""Arrays and data frames of a caller in Python as problems to learn.

Rows of numbers, sequences, tokens and data frames are rows of a table, whose training and model
they share; pictures are a data set. It doesn't know how a problem is trained.
"""
