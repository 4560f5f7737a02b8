"""Where annotated and corrected books go, and what is never overwritten."""
