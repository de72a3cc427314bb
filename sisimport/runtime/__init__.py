"""This machine: embedded PostgreSQL, processes, disks, the filesystem broker, logs. Independent of all apps."""
