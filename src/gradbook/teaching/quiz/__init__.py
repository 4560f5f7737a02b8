"""Quizzes: questions with different numbers for each student, in the formats of platforms.

It knows questions and typical mistakes, but not how derivatives are computed.
"""
