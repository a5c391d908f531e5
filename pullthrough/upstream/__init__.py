"""Remote registries: asked by their own protocol, through the egress."""
