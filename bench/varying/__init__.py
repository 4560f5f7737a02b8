"""What `variations.py` lays out, spoils and confirms."""
