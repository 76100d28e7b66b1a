"""What does a command say? What `rankone X` runs: measure, write the files, print the summary."""
