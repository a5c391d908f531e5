"""More processes that serve clients: the owner's side of them, and their own."""
