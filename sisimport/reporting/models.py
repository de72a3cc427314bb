"""No tables: Django tells only apps with a module of models when migrations have run, and the views are made then."""
