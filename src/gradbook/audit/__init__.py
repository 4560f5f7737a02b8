"""A stranger's workbook: find its training, judge its gradients, correct them.

Knows trainings as people write them, and computes with the chain rule of `graph` what each gradient
should be; of our own workbooks only `exercise` knows the plan. Doesn't know how findings are shown.
"""
