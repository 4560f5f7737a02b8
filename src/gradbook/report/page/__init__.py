"""The shell of every page, and its tables, which notebooks show too.

Knows what a page may load and run, and knows nothing of any subject.
"""
