"""Pages of the shared journey: permission, form, one call, response."""
