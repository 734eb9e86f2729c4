"""What the domains are made of: plain data and pure functions. The domain imports nothing else of the chassis."""
