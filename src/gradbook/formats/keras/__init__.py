"""Keras models are read and written by one table of Keras layers, with channels last.

Knows Keras 3's file format, its layers, their settings and the order of their weights, and needs
neither Keras nor TensorFlow. Doesn't know how a network was trained.
"""
