"""Formulas at a few points: their values, and those with other values of some parts.

Doesn't know what is computed, nor what is wrong with it.
"""
