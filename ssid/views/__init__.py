"""Pages of the SSID work."""
