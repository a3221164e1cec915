"""Reservoirs: nothing in the network is trained, and its readout is solved."""
