"""Starting, executing, deciding on, recovering and reporting a run."""
