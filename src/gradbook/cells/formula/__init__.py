"""One formula: the cells that it mentions, its parts, edits of them, and its meaning as graph ops.

Doesn't know which workbook contains the formula, nor what it is for.
"""
