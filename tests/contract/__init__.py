"""What every target promises, shown by each of them. A package, so that its fixtures end with it."""
