"""A trained network as a Keras model, in Keras's own file, with channels last.

Knows Keras's layers, their settings and the order of their weights. Needs neither Keras nor
TensorFlow to write them, and doesn't know how the network was trained.
"""
