"""The loss as a book makes it and as the corrected gradients would."""
