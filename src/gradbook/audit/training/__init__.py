"""Which cells of a workbook are weights, which steps they take, what their updates claim and what the loss is; it doesn't judge."""
