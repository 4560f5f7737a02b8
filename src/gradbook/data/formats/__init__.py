"""The formats of images and tables, one file each, and the checks on them.

It knows files and their possible faults, but not which data set a name stands for.
"""
