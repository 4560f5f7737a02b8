"""What a training is to be: recipes and their schedules, how they are written, those built in.

It doesn't know images, engines or how a training goes.
"""

RECIPES = ("quick", "best", "small", "tiny", "reference", "blocks", "flat")
"""The names of those that come with gradbook, ours first, to be listed without reading any."""
