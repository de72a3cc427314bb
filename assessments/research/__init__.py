"""The state's public research files: results by county, district, school, grade and student group. No student is in them."""
