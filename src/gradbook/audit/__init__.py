"""A stranger's workbook: find its training, judge its gradients, correct them.

Knows trainings as people write them, and computes with the chain rule of `graph` what each gradient
should be. Doesn't know how cells are read, how our own workbooks are written or findings are shown.
"""
