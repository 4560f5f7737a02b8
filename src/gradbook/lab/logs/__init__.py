"""Trainings told to programs that watch runs, through the libraries of those; into files alone.

It doesn't know how a training goes, and sends nothing anywhere.
"""
