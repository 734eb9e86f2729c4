"""Delivers what subscriptions are told: who owns which, when what is sent, and what is recorded of it."""
