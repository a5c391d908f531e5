"""From the configuration to the object graph; the one file that names classes."""
