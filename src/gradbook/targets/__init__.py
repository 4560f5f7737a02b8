"""The languages a graph can be said in, one folder each.

A target knows how its language says a graph and where each value lives in it. It knows nothing of
other targets or of training. An op that a target has no words for is said by the op's own
expansion (`graph/node.py`).
"""
