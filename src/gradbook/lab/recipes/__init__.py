"""What a training is to be: recipes and their schedules, how they are written, those built in.

It doesn't know images, engines or how a training goes.
"""
