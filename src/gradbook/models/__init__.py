"""Networks that others made and trained: one file a format, hostile until it is checked.

Knows those formats and what their layers mean in ours. Doesn't know training, reports or how our
own models are kept.
"""
