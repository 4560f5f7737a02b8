"""From graph to graph: the same values with fewer passes over the data, in ops that C can say.

Knows nothing of passes, memory or text.
"""
