"""What others wrote to read digits on small processors, asked as our own C is."""
