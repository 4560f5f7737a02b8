"""A step's claims held against the chain rule of its own loss.

It doesn't know what to do about a wrong one.
"""
