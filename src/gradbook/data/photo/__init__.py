"""A picture that somebody took of a sign, made into an image like those of a data set.

Knows ink, strokes and pens. Doesn't know networks or what the sign says.
"""
