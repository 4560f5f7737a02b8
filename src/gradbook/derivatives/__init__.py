"""Derivatives of a workbook's cells for its reader: labels, sentences, sheets that are added to it.

Doesn't know how a formula is differentiated, nor which result and inputs anybody asks for.
"""
