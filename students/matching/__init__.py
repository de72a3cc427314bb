"""How alike two identities are, and who may be meant."""
