"""The languages a graph can be said in, one folder each.

A target knows how its language says a graph and where each value lives in it. It knows nothing of
other targets or of training. Each declares the ops that it says, `SAYS`; any other op is taken
apart into these (`lowering.py`).
"""
