"""Utah's SSID Process: requests, response files, changed records."""
