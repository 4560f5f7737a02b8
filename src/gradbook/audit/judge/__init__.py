"""Compares the claims of a step with the chain rule, applied to the sheet's own loss.

It doesn't know how to correct a wrong claim.
"""
