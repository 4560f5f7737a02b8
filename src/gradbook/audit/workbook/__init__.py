"""A workbook: its package, its cells, which of them refer to which, and what they compute.

Doesn't know what a training is.
"""
