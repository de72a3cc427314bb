"""Who may do what (capabilities and groups, used by pages and every other entry point), and signing in: its rules, forgotten
passwords, and the mail they need."""
