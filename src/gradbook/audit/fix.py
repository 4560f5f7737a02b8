"""A copy of a book whose wrong formulas are corrected."""
