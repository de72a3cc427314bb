"""Addresses of column mappings."""

from django.urls import path

from sisimport.roster import mapping_pages

urlpatterns = [
    path("roster/map-columns/", mapping_pages.map_columns, name="map_columns"),
    path("roster/mappings/", mapping_pages.column_mappings, name="column_mappings"),
    path("roster/mappings/<int:pk>/", mapping_pages.column_mapping, name="column_mapping"),
    path("roster/mappings/<int:pk>/rename/", mapping_pages.rename_mapping, name="rename_mapping"),
    path("roster/mappings/<int:pk>/remove/", mapping_pages.remove_mapping, name="remove_mapping"),
    path("roster/mappings/<int:pk>/file.<str:ending>", mapping_pages.mapping_file, name="mapping_file"),
]
