"""Who may do what (capabilities and groups: pages and every other way in ask here). And the way in:
rules of signing in, forgotten passwords, and the mail they need."""
