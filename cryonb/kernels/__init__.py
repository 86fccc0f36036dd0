"""Makers of the few loops that need a kernel; the backend that asks compiles them."""
