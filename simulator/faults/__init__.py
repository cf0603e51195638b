"""Faults that can be switched on while the simulator runs."""
