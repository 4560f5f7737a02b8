"""Hypotheses about mistakes, the score that ranks them, the loop that chooses, and the wording.

Each kind of audit passes in what needs explaining; this package doesn't know how that was found.
"""
