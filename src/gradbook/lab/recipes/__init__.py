"""Descriptions of trainings: recipes, their schedules, their text form, and the built-in ones.

It doesn't know engines, or how a training proceeds.
"""

RECIPES = ("quick", "best", "small", "tiny", "reference", "blocks", "flat")
"""The names of the included recipes in their order, listed without reading any."""
USUAL = "quick"
"""The one that trains what names none."""
