"""The way in: rules of signing in, forgotten passwords, and the mail they need."""
