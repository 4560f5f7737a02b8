"""The verbs that train: one recipe, many of them, and what came of it.

They know options, and not how a training goes.
"""
