"""A trained network in use: its file, its answers, and what its layers make of an image.

It doesn't know how the network was trained.
"""
