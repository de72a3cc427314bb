"""Sample files of the SSID imports for the demo district, and the benchmark's jobs over them."""

from ssid.demo import ela, match_results, ssid_download, ssid_list, utah  # noqa: F401 - they register their samples
