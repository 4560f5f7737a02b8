"""The languages into which a graph can be written, one folder each.

A target knows how its language writes a graph and where it keeps each value. It knows nothing of
other targets or of training. Each declares in `SAYS` the ops that it can write; any other op is
expanded into these (`lowering.py`).
"""
