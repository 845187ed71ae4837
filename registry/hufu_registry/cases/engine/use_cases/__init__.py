"""What can be done with any case; one function is one transaction."""
