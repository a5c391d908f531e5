"""Measures us beside the peers that are installed; see README.md here."""
