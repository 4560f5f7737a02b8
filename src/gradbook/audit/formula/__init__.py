"""One formula: the cells it mentions, its parts and edits of them, its meaning in ops of the graph.

Doesn't know which workbook the formula stands in, nor what it is for.
"""
