"""Annotated or corrected copies of others' workbooks, in which all other bytes stay the same.

Doesn't know how a mistake is found.
"""
