"""A trained network as layers with their tensors, for languages that say layers rather than ops.

It knows what a layer's tensors mean and which layers can become one. It doesn't know how any
language or file says them, nor how they were trained.
"""
