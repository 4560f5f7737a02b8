"""A workbook's file: its package, its cells, who refers to whom, and its cells computed anew.

Doesn't know what a training is.
"""
