"""What is in each container: it fetches a program, runs it, and says how that ended."""
