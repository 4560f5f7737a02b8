"""What an audit says: findings, grades, and what the books of a class have in common.

Doesn't know how anything was found.
"""
