"""A sweep over learning rates."""
