"""A study's trials: as lines for a terminal and as a page. Knows their records, not the search."""
