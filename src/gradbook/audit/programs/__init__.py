"""A program that somebody wrote: from its recorded run to a step, from an edit to text in its source.

Knows neither cells nor what is right: the core judges.
"""
