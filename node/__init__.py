"""Processes and the command line."""
