"""A training step as a workbook in which every value is a cell and every step a formula.

Knows cells, formulas, sheets and charts. Knows nothing of readers of workbooks, of trainings or of
pages. Nothing is imported here, so that the audit, which reads what such a workbook says of itself,
needn't load the library that writes it.
"""
