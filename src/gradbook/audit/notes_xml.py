"""Notes on cells: the comments part and its drawing, made new or added to."""
