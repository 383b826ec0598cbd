"""The one place where bytes move: one epoll set for all data sockets, streams over them, coarse timers."""
