"""Networks in other programs' formats: a room a format, which reads it and writes it by one table.

Whatever is read is hostile until it is checked. Knows the formats and what their layers mean in
ours. Doesn't know training, reports or how our own models are kept.
"""
