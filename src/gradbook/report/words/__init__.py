"""Words in a terminal, in Markdown and in CSV: coloured lines, and tables.

Knows widths and colours, and knows nothing of any subject.
"""
