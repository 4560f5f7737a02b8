"""Quizzes: questions with numbers of their own for each student, in the formats of platforms.

Knows what is asked and what people get wrong; it doesn't know how a derivative comes about.
"""
