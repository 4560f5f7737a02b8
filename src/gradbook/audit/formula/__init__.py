"""What a stranger's formula says: its cells, its parts, its meaning in ops of the graph.

It doesn't know where the formula was found or what it is for.
"""
