"""Unattended work: mails about runs, webhooks, pick-up places and deliveries."""
