"""The entries of bench/records and the board of them; not how a claim is verified."""
