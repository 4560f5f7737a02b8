"""What the learning rate does: trials, a verdict on each, up to which rate it trains.

The criteria are stated once, in `criteria`: a sweep holds its trials against them, and a workbook
says them as formulas. It doesn't know images, engines or cells: small networks are trained by the
reference.
"""

USUAL_EPOCHS = 70
"""How long each rate is tried, and how many rows a workbook has, where nothing is said."""
