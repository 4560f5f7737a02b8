"""Copies of a stranger's workbook, annotated or corrected, with every other byte as it was.

Doesn't know how a mistake is found.
"""
