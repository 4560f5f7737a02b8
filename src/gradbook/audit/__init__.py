"""A stranger's workbook: read it, find its training, judge its gradients, correct them.

Knows packages, cells and formulas as people write them, and computes with the chain rule of `graph`
what each gradient should be. Doesn't know how our own workbooks are written or findings are shown.
"""
