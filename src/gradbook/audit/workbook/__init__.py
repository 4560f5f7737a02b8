"""A workbook: its package, its cells, the references between them, and the values they compute.

Doesn't know what a training is.
"""
