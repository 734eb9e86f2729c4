"""A witness of transparency logs: cosigns what it finds consistent with all that it has cosigned before."""
