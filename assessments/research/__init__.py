"""The state's public research files: results by county, district, school, grade and student group. They contain no
student data."""
