"""Rules and codes that several SSID imports share."""
