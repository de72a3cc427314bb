"""Where the state's English learner data and ours differ."""
