"""Networks for tables: which column is learned from which, how that is trained, what comes of it.

It doesn't know images, warps and recipes' files, or how results look.
"""
