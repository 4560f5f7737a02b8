"""What was found in workbooks."""
