"""The running parts of Caserelay: three services, the chassis that they share, and the sandbox that runs all."""
