"""Trainings by a rule without a gradient: the perceptron's, whose step function has no slope.

Finds them, compares each update with the rule and explains what is wrong; knows no losses.
"""
