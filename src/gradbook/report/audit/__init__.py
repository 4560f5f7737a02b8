"""What was found in workbooks: for a terminal, as a page, in a notebook.

Knows findings and the books of a class; it doesn't know how a workbook is read.
"""
