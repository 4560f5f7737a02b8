"""A network at work on one input: every value, every slope, and which value feeds which.

It takes the network as it is after training, and doesn't train it.
"""
