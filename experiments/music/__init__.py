"""Chorales as piano rolls: which keys are down in the next frame?"""
