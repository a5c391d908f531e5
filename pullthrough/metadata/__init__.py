"""Facts about content: tags, manifests, membership, upload sessions."""
