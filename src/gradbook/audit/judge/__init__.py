"""A step's claims held against the chain rule of its own loss; it doesn't know what to do about a wrong one."""
