"""Networks in other programs' formats: one folder per format, which reads and writes by one table.

Every file is treated as hostile until it is checked. Knows the formats and what their layers mean
here. Doesn't know training, reports or how gradbook's own models are stored.
"""
