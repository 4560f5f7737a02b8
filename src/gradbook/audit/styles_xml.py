"""A cell's own format again, but filled."""
