"""The verbs that are about gradbook itself: what it can do, how it is asked, what completes it.

They don't train, derive or check anything of the user's.
"""
