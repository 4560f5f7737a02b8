"""A step's claims, held against the chain rule of the sheet's own loss.

It doesn't know what to do about a wrong one.
"""
