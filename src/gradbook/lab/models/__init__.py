"""A trained network at work: its file, what it says of images, what becomes of an image in it.

It doesn't know how it was trained.
"""
