"""What may be wrong, and which of it is believed: hypotheses, one score, one loop, one wording.

Readings of a book say what they want explained; it doesn't know how they know.
"""
