"""The configuration: INI text to frozen values, every fault at once."""
