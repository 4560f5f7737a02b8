"""How results look: pages, pictures, workbooks, tables, curves.

Shows results to a reader, and doesn't know how they were found. A file for
each subject makes a report of blocks (document); a renderer for each medium shows it (terminal,
markup, media), by means of words, charts, figures, images and page.
"""
