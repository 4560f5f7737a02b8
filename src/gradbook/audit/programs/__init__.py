"""A program that somebody wrote: from its run to a step, from an edit to text of its source.

Knows neither cells nor what is right: the core judges.
"""
