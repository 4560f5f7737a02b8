"""Keras models: which layers of ours are in a .keras file.

Knows Keras 3's own file and its layers, channels last, and needs neither Keras nor TensorFlow to
read them. Says all that has no layer here at once.
"""
