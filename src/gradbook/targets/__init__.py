"""The languages a graph can be said in, one folder each.

A target knows how its language says a graph and where each value lives in it. It knows no other
target and nothing of training.
"""
