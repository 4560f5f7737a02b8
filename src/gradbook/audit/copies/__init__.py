"""Copies of a stranger's book, marked or corrected, every other byte as it was.

It doesn't know how faults are found.
"""
