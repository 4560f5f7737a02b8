"""How results look: pages, pictures, workbooks, tables, curves.

Knows how to put what was found before a reader, and knows nothing of how it was found. First the
tools (words, page, chart, images), then a room for each subject.
"""
