"""Trainings by a rule that is no gradient: the perceptron's, whose step has no slope.

Finds them, holds each update to the rule and says what is wrong; nothing of losses.
"""
