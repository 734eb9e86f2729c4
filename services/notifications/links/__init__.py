"""Links in letters: acting without an account, confirming an address, taking it off the list."""
