"""What a formula of a stranger's says: its cells, its parts, its meaning in ops of the graph; it doesn't know where the formula was found or what it is for."""
