"""The shell of every page, and the HTML that pages share.

Knows what a page may load and run, and no subject.
"""
