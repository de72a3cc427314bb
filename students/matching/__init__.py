"""How alike two identities are, and which students a line may mean."""
