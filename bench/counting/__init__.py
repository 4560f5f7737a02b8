"""Instructions that generated C executes, counted exactly, also where its machine isn't at hand.

It knows assembly and how to run it; not what a network needs.
"""
