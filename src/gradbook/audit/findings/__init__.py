"""What an audit says: findings, grades, what the books of a class share; it doesn't know how anything was found."""
