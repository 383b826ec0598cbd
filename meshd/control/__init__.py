"""The control plane: World, compile, push, and the workers' lives."""
