"""The cells of a worked network: their values at random points, its outputs, blocks, names.

Doesn't know losses or derivatives.
"""
