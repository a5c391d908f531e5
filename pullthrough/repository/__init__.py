"""Hosted, proxy and group repositories: what an image name stands for."""
