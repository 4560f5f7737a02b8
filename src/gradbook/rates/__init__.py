"""The effect of the learning rate: trials, a verdict on each, and the largest rate that trains.

The criteria are stated once, in `criteria`: a sweep applies them to its trials, and a workbook
writes them as formulas. Knows nothing of images, engines or cells: small networks are trained by
the reference evaluation.
"""

USUAL_EPOCHS = 70
"""The default number of epochs for each rate, and of rows in a workbook."""
