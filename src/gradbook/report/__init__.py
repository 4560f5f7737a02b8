"""How results look: pages, pictures, workbooks, tables, curves.

Knows how to put what was found before a reader, and knows nothing of how it was found. First the
tools (words, page, charts, figures, images), then a file for each subject.
"""
