"""Quizzes: questions with different numbers for each student, in the formats of platforms.

It knows questions and typical mistakes, but not how derivatives are computed.
"""

VALUE, DERIVATIVE, UPDATE, RATE, CELL = "value", "derivative", "update", "rate", "cell"
KINDS = (VALUE, DERIVATIVE, UPDATE, RATE, CELL)
CHOICE, NUMBER = "choice", "number"
FORMS = (CHOICE, NUMBER)
TOLERANCE = 0.005
