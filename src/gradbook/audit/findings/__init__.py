"""What an audit says: findings, grades, what the books of a class share.

It doesn't know how anything was found.
"""
