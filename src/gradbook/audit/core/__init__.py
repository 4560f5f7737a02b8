"""What a training is, whether it is right, and the smallest change that makes it right.

Knows neither cells nor source: a side brings a step whose values have places.
"""
