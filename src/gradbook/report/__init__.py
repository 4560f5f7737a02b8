"""How results look: pages, pictures, workbooks, tables, curves.

Knows how to put what was found before a reader, and nothing of how it was found.
"""
