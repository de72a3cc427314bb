"""No tables: Django signals only apps with a models module after migrations have run, which is when the views are
made."""
