"""What stands around the routes of an application, from the outside in."""
