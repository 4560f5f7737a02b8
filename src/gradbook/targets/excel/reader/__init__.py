"""A trained network as a workbook that reads images: its layers as grids of live formulas.

Knows cells and what a layer computes at one place. Doesn't know training, gradients or where the
images come from.
"""
