"""The one grammar of small edits that may put a formula right, whatever reading asks for them.

Knows formulas, and what their parts are worth; doesn't know why one should be worth something else.
"""
