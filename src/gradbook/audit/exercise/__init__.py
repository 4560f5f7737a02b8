"""Exercises that gradbook wrote: the given cells are taken as right, the blank ones are judged.

It knows the network and so every right formula; it doesn't search for trainings or guess a loss.
"""
