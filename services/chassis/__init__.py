"""The microservice chassis: what every service needs, with no word of the domain in it."""
