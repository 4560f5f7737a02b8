"""Charts of curves over epochs: their places, in characters, as a picture, to be pointed at.

Knows values and scales, and knows nothing of what is trained.
"""
