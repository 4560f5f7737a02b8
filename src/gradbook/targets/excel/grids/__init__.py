"""Tensors as blocks of cells: the images, kernels and maps of a training, and how a window slides.

Knows where a block's cells stand and what one place of a layer is made of. Doesn't know how the
tables that it looks into are written, or how a network is trained.
"""
