"""Registries as they are: one personality for each that people pull from.

Each has the real one's host names, challenges, redirects, statuses and oddities, on
loopback sockets; ``case`` puts a proxy repository in front of it.
"""
