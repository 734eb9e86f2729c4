"""Makes the shipped code lists of the files in which their publishers hand them out."""
