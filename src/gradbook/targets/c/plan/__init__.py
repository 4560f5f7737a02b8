"""A graph as passes over the data: when each value is computed, which are kept, who reads what.

Knows nothing of names and text.
"""
