#!/usr/bin/env python3
"""Command line of SIS Import. With no DATABASE_URL a command runs beside the embedded PostgreSQL (sisimport/command.py)."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sisimport.settings")
    from sisimport.command import main

    main(sys.argv)
