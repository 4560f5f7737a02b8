"""Keras models, read and written by one table of its layers, channels last.

Knows Keras 3's own file, its layers, their settings and the order of their weights, and needs
neither Keras nor TensorFlow for them. Doesn't know how a network was trained.
"""
