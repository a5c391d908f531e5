"""The rules of the registry protocol as pure values and functions.

Standard library only: nothing here opens a socket, a file or a clock.
"""
