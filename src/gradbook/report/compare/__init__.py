"""Runs side by side: for a terminal, for programs, as a page.

Knows several runs at once; it doesn't know how one was trained.
"""
