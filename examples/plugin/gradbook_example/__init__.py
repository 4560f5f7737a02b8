"""What a package adds to gradbook: a layer, a loss, an export and a log. Copy it and change it."""
