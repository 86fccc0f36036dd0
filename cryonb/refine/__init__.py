"""Runs: particles and settings in, half maps out."""
