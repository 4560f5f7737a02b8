"""What a network costs and sees, as people know such tables."""
