"""A training step as a workbook in which every value is a cell and every step a formula.

Knows cells, formulas, sheets and charts. Knows nothing of what a picture shows, of files that
must come whole, or of other languages. Nothing is imported here: who only reads formulas, as the
audit does, needn't load what writes workbooks.
"""
