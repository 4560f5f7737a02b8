"""A stranger's workbook: read it, recover its training, judge its gradients, repair them.

Knows packages, cells and formulas as people write them, and asks the chain rule of `graph` what
each gradient should be. Doesn't know how our own workbooks are written, nor how findings are shown.
"""
