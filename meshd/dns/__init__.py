"""Names of the mesh, answered on each machine."""
