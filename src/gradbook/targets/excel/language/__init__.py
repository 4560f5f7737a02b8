"""The language of cells: its forms and precedence, to write and to read, and how it says each op.

Knows formulas, and nothing of sheets, of which cell a value has, or of the library that writes
workbooks.
"""
