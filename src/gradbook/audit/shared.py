"""What books of one class have in common: mistakes, and whole files."""
