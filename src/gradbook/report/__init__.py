"""How results look: pages, pictures, workbooks, tables, curves.

Knows how to put what was found before a reader, and knows nothing of how it was found. A file for
each subject makes a report of blocks (document); a renderer for each medium shows it (terminal,
markup, media), by means of words, charts, figures, images and page.
"""
