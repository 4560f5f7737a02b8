"""A stranger's workbook as a graph: its cells, which of them use which, values and slopes.

Doesn't know what a training is, nor how our own workbooks are written.
"""
