"""What a workbook will contain: the order of columns, each value's cell, each cell's result.

Knows positions and numbers. Doesn't know formats, headings or the file.
"""
