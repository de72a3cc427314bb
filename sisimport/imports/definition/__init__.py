"""What an import type declares: rules, options, row model, joins; and where types are found."""
