"""This machine: embedded PostgreSQL, processes, disks, the filesystem broker, logs. Knows no app."""
