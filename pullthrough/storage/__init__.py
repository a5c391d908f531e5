"""Blob stores: content by digest, in a folder or in memory."""
