"""Data for other systems: stable, documented views for data teams, and exports of students, SSIDs and scores made from
them."""
