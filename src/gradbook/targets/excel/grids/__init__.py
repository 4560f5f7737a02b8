"""Tensors as blocks of cells: the images, kernels and maps of a training, and how a window slides.

Knows where a block's cells are and how one place of a layer is computed. Doesn't know how the
tables that it refers to are written, or how a network is trained.
"""
