"""A trained network as one file of portable C, in floats or in integers alone.

Knows one image at a time, row by row, and memory that is planned beforehand. Doesn't know training,
the engine's lanes and threads, or where the images come from.
"""
