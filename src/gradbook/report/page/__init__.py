"""The shell of every page, its tables, which notebooks show too, and its script.

Knows what a page may load and run, and knows nothing of any subject.
"""
