"""What a package adds to gradbook: a layer, a loss and an export. Copy it and change it."""
