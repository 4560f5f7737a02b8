"""Cells that are neither gradients nor updates: blanks, old values, neurons that nothing trains.

They know the training they are in, and nothing of what is wrong with its gradients.
"""
