"""What outlives a push: clusters as they run, their hosts, connections kept for reuse."""
