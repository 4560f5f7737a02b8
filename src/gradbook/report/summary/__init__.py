"""What a network costs and sees: the table that people know, in every format.

Knows the columns and what they mean; it doesn't know how a network is measured.
"""
