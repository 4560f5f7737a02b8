"""A copy of a book whose wrong cells are coloured and carry a note."""
