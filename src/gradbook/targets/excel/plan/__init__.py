"""What a workbook will hold: the order of columns, each value's cell, what each cell will show.

Knows positions and numbers. Doesn't know formats, headings or the file.
"""
